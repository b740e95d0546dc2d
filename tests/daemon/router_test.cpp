#include "daemon/router.h"

#include <doctest/doctest.h>

using namespace memtrack;

TEST_CASE("a target is split into its path and its query, both decoded") {
  const auto target = parse_target("/v1/trials?sweep=3&state=done&empty=&flag&a%20b=c%2Fd");
  REQUIRE(target);
  CHECK(target->path == "/v1/trials");
  CHECK(target->query == std::map<std::string, std::string>{
                             {"sweep", "3"}, {"state", "done"}, {"empty", ""}, {"flag", ""}, {"a b", "c/d"}});
  CHECK(parse_target("/")->query.empty());
  CHECK(parse_target("/?")->query.empty());
  CHECK(parse_target("")->path.empty());
}

TEST_CASE("a target with a broken percent sign is none") {
  for (const char* bad : {"/%", "/%4", "/%zz", "/a?b=%", "/a?%g1=b", "/% 1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_target(bad));
  }
}

TEST_CASE("a pattern fits paths of the same segments and gives what stands at its braces") {
  using Values = std::vector<std::string>;
  CHECK(match_path("/v1/sweeps", "/v1/sweeps") == Values{});
  CHECK(match_path("/v1/sweeps/{}", "/v1/sweeps/12") == Values{"12"});
  CHECK(match_path("/v1/{}/x/{}", "/v1/a/x/b") == Values{"a", "b"});
  for (const char* other : {"", "/", "/v1/sweeps", "/v1/sweeps/", "/v1/sweeps/1/", "/v1/sweeps/1/2", "/v2/sweeps/1"}) {
    CAPTURE(other);
    CHECK_FALSE(match_path("/v1/sweeps/{}", other));
  }
}

TEST_CASE("an unknown path has no route, a known one with another method says which it takes") {
  const std::vector<Route> routes = {{"GET", "/a", Access::reads, 1, {}},
                                     {"POST", "/a", Access::changes, 2, {}},
                                     {"GET", "/a/{}", Access::reads, 3, {}}};
  CHECK(find_route(routes, "POST", "/a").route == &routes[1]);
  CHECK(find_route(routes, "GET", "/a/7").path_values == std::vector<std::string>{"7"});
  const RouteMatch wrong_method = find_route(routes, "DELETE", "/a");
  CHECK(wrong_method.route == nullptr);
  CHECK(wrong_method.allow == "GET, POST");
  const RouteMatch unknown = find_route(routes, "GET", "/b");
  CHECK(unknown.route == nullptr);
  CHECK(unknown.allow.empty());
}
