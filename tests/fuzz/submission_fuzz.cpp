// The body of POST /v1/sweeps: a sweep file and what the command line changes of it.

#include "daemon/submission.h"

#include "tests/fuzz/expansion.h"

using namespace memtrack;
using namespace memtrack::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const SubmissionRequest request = parse_submission(parse_request(as_text(data, size)));
    to_json(request);
    parse_and_expand(request.config, request.overrides, request.environment);
  } catch (const SubmissionError&) {
  } catch (const SweepError&) {
  }
  return 0;
}
