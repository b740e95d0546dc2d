#include "datasets/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <exception>
#include <stdexcept>

namespace memtrack {
namespace {

constexpr long kMostRedirects = 5;

struct Transfer {
  CURL* curl;
  std::int64_t first_byte;  // as asked for
  const HttpSink& sink;
  bool has_begun = false;
  bool is_other_range = false;
  std::exception_ptr error = nullptr;  // exceptions do not cross libcurl

  // False where the server sends another part of the file than it was asked for, or does not say which.
  bool begin() {
    has_begun = true;
    const auto range = replied_range();
    is_other_range = !range || (range->first_byte != 0 && range->first_byte != first_byte);
    if (!is_other_range) sink.begin(range->first_byte, range->total_bytes);
    return !is_other_range;
  }

 private:
  std::optional<ContentRange> replied_range() const {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 206) {
      curl_header* header = nullptr;
      if (curl_easy_header(curl, "Content-Range", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return std::nullopt;
      return parse_content_range(header->value);
    }
    curl_off_t bytes = -1;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
    return ContentRange{0, bytes < 0 ? std::nullopt : std::optional<std::int64_t>(bytes)};
  }
};

std::size_t take(char* data, std::size_t /*always 1*/, std::size_t size, void* client) {
  auto& transfer = *static_cast<Transfer*>(client);
  try {
    if (!transfer.has_begun && !transfer.begin()) return CURL_WRITEFUNC_ERROR;
    transfer.sink.add({reinterpret_cast<const std::uint8_t*>(data), size});
    return size;
  } catch (...) {
    transfer.error = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

// What another try would only meet again.
bool is_lasting(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return true;
    default:
      return false;
  }
}

std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return number;
}

bool take_text(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  Handle() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl could not be started");
    curl = curl_easy_init();
    if (curl == nullptr) throw std::runtime_error("libcurl could not be started");
  }
  ~Handle() {
    curl_easy_cleanup(curl);
    curl_global_cleanup();
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  HttpReply reply_of(CURLcode code) const;
};

HttpReply HttpClient::Handle::reply_of(CURLcode code) const {
  if (code == CURLE_OK) return {HttpEnd::complete, {}, {}};
  long status = 0;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
  if (code != CURLE_HTTP_RETURNED_ERROR) {
    const std::string text = error.front() == '\0' ? curl_easy_strerror(code) : error.data();
    return {is_lasting(code) ? HttpEnd::refused : HttpEnd::broken, text, {}};
  }
  const HttpEnd end = status == 416               ? HttpEnd::no_range
                      : is_passing_status(status) ? HttpEnd::broken
                                                  : HttpEnd::refused;
  return {end, fmt::format("the server says {}", status), std::chrono::seconds(retry_after)};
}

HttpClient::HttpClient(const HttpLimits& limits) : handle_(std::make_unique<Handle>()) {
  CURL* curl = handle_->curl;
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handle_->error.data());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "memtrack/" MEMTRACK_VERSION);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(limits.slow_bytes_per_s));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.slow_for.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take);
}

HttpClient::~HttpClient() = default;

HttpReply HttpClient::get(const std::string& url, std::int64_t first_byte, const HttpSink& sink) {
  CURL* curl = handle_->curl;
  Transfer transfer{curl, first_byte, sink};
  // Not CURLOPT_RESUME_FROM: with it, libcurl takes a server that ignores the range for an error.
  const std::string range = fmt::format("{}-", first_byte);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_RANGE, first_byte > 0 ? range.c_str() : nullptr);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  handle_->error.front() = '\0';
  const CURLcode code = curl_easy_perform(curl);
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (code == CURLE_OK && !transfer.has_begun) transfer.begin();
  if (transfer.is_other_range) return {HttpEnd::no_range, "the server sends another part than asked for", {}};
  return handle_->reply_of(code);
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!take_text(text, "bytes ")) return std::nullopt;
  const auto first = take_number(text);
  if (!first || !take_text(text, "-") || !take_number(text) || !take_text(text, "/")) return std::nullopt;
  if (text == "*") return ContentRange{*first, std::nullopt};
  const auto total = take_number(text);
  if (!total || !text.empty()) return std::nullopt;
  return ContentRange{*first, total};
}

bool is_passing_status(long status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace memtrack
