#pragma once

#include <string>

#include "storage/database.h"
#include "tools/row_writer.h"

namespace memtrack {

// Rows of one statement to standard output, as they come.
void print_answer(Database& database, const std::string& sql, RowFormat format);

// Statements typed at the terminal, until Ctrl-D or .quit. Ctrl-C gives a line up, or stops a query that runs. Returns
// the exit code.
int run_shell(Database& database, RowFormat format);

}  // namespace memtrack
