#pragma once

// A report as one page that can be mailed: its table, and its pictures to be pointed at. It asks no network, and the
// browser is told to allow none.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "storage/database.h"
#include "tools/report/report.h"

namespace memtrack {

// & < > " ' as entities, control characters as \xNN: text that stands anywhere in a page.
std::string escape_html(std::string_view text);

// Head, tables, notes and charts. `charts`: as page.js takes them.
std::string html_page(const Report& report, const nlohmann::ordered_json& charts);

// The sweep's pictures: memory against its hyperparameters, over time trial by trial, and by tensors, where there is
// something to show.
nlohmann::ordered_json report_charts(Database& database, const Report& report);

// What is put into the page: page.css and page.js beside this file.
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace memtrack
