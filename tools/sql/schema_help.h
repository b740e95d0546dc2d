#pragma once

// What the schema says of itself: the comments inside CREATE TABLE and CREATE VIEW.

#include <string>
#include <string_view>
#include <vector>

#include "storage/database.h"
#include "tools/text_table.h"

namespace memtrack {

// "-- one row per sample; every value NULL where it was not read": the comment lines that a definition begins with, as
// one text. Empty: none.
std::string relation_meaning(std::string_view definition);

// The comment of a column in its table's definition, behind it on its line or between /* */, or the formula of a
// generated one; empty: none.
std::string column_meaning(std::string_view definition, std::string_view column);

// Relations that users ask, with what a row is.
TextTable relations_help(Database& database);

struct RelationHelp {
  std::string head;   // "samples (table): one row per sample; ..."
  TextTable columns;  // column, type, meaning
};
// Throws UsageError naming the nearest and all relations.
RelationHelp relation_help(Database& database, const std::string& relation);

}  // namespace memtrack
