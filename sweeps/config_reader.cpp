// YAML into ConfigNodes: yaml-cpp's parser tells its events, we build the tree. Its own tree needs twice the memory and
// lets duplicate keys pass.

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "sweeps/config_node.h"
#include "sweeps/document_text.h"
#include "sweeps/nearest_name.h"
#include "sweeps/scalar.h"

namespace memtrack {
namespace {

constexpr std::size_t kMostNodes = 5'000'000;
// What aliases may stand for, in all: a row of a long list may well merge a map of fifty members.
constexpr std::size_t kMostCopiesPerNode = 50;
constexpr std::size_t kCopiesOfSmallFile = 10'000;
constexpr std::size_t kDeepestNesting = 100;
constexpr std::size_t kMostMembers = 10'000;  // of one map: each new name is compared with all others

struct Extent {
  std::size_t nodes = 1;
  std::size_t depth = 1;

  void add(const Extent& inner) {
    nodes += inner.nodes;
    depth = std::max(depth, inner.depth + 1);
  }
};

Extent extent_of(const ConfigNode& node) {
  Extent extent;
  if (const ConfigList* list = node.list()) {
    for (const ConfigNode& item : *list) {
      extent.add(extent_of(item));
    }
  } else if (const ConfigMap* map = node.map()) {
    for (const ConfigMember& member : *map) {
      extent.add(extent_of(member.node));
    }
  }
  return extent;
}

bool is_standard(const std::string& tag, std::string_view type) {
  return tag == "tag:yaml.org,2002:" + std::string(type);
}

// Puts a document together from the parser's events. Anchored values are kept as copies, and aliases become copies, so
// their total is bounded.
class TreeBuilder final : public YAML::EventHandler {
 public:
  // `first_line`: of the document's text in its file, from 0; nullopt: the text is a flag of the command line.
  TreeBuilder(std::shared_ptr<const std::string> source, std::optional<int> first_line)
      : source_(std::move(source)), first_line_(first_line) {}

  ConfigNode take_root() { return std::move(root_); }

  Mark place(const YAML::Mark& mark) const {
    if (!first_line_) {
      return {source_, 0, 0};
    }
    return {source_, std::max(mark.line, 0) + *first_line_ + 1, std::max(mark.column, 0) + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos <= begin_) {  // yaml-cpp would find another empty document here for ever
      fail(place(mark), "this is not YAML: nothing begins with what stands here");
    }
    begin_ = mark.pos;
    root_ = ConfigNode{place(mark), {}};
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const bool is_member = !open_.empty() && open_.back().name.has_value();  // the parser is on the next line by now
    complete({is_member ? open_.back().name_mark : place(mark), {}}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      fail(place(mark), "this alias stands inside of what it stands for, and would have to come after it");
    }
    const Extent extent = extent_of(found->second);
    count_copies(extent.nodes, place(mark));
    if (open_.size() + extent.depth > kDeepestNesting) {
      fail(place(mark), "lists and maps are nested more than " + std::to_string(kDeepestNesting) + " deep here");
    }
    ConfigNode copy = found->second;
    copy.mark = place(mark);
    complete(std::move(copy), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (expects_name()) {
      open_.back().name = value;
      open_.back().name_mark = place(mark);
      open_.back().is_merge = value == "<<" && tag != "!";
      return;
    }
    complete({place(mark), scalar(mark, tag, value)}, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, "seq", ConfigList(), anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, "map", ConfigMap(), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map whose end has not been seen.
  struct Open {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> name = std::nullopt;  // of the member whose value comes next
    Mark name_mark = {};
    bool is_merge = false;
    ConfigMap merged = {};
  };

  bool expects_name() const { return !open_.empty() && open_.back().node.map() != nullptr && !open_.back().name; }

  void count_node(const Mark& where) {
    ++nodes_;
    check_total(where);
  }

  void count_copies(std::size_t nodes, const Mark& where) {
    copies_ += nodes;
    check_total(where);
    if (copies_ > kCopiesOfSmallFile + kMostCopiesPerNode * nodes_) {
      fail(where, "the aliases up to here stand for " + std::to_string(copies_) + " values, in a file of " +
                      std::to_string(nodes_) + "; write out what is meant");
    }
  }

  void check_total(const Mark& where) const {
    if (nodes_ + copies_ > kMostNodes) {
      fail(where, "the file holds more than " + std::to_string(kMostNodes) +
                      " values, aliases counted as what they stand for; split it");
    }
  }

  decltype(ConfigNode::data) scalar(const YAML::Mark& mark, const std::string& tag, const std::string& value) {
    count_node(place(mark));
    if (tag == "!" || is_standard(tag, "str")) {
      return value;
    }
    const bool plain = tag.empty() || tag == "?" || is_standard(tag, "int") || is_standard(tag, "float") ||
                       is_standard(tag, "bool") || is_standard(tag, "null");
    if (!plain) {
      fail(place(mark), "the tag " + quoted(tag) + " is not known here, and would have to be left out");
    }
    try {
      return std::visit([](auto resolved) -> decltype(ConfigNode::data) { return resolved; },
                        resolve_plain_scalar(value));
    } catch (const std::invalid_argument& error) {
      fail(place(mark), error.what());
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, std::string_view type, decltype(ConfigNode::data) data,
            YAML::anchor_t anchor) {
    if (expects_name()) {
      fail(place(mark), "a list or map stands where a name would have to be, or its bracket is not closed");
    }
    if (!tag.empty() && tag != "?" && tag != "!" && !is_standard(tag, type)) {
      fail(place(mark), "the tag " + quoted(tag) + " is not known here, and would have to be left out");
    }
    count_node(place(mark));
    if (open_.size() >= kDeepestNesting) {
      fail(place(mark), "lists and maps are nested more than " + std::to_string(kDeepestNesting) + " deep here");
    }
    open_.push_back({.node = {place(mark), std::move(data)}, .anchor = anchor});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (!done.merged.empty()) {
      ConfigMap& own = std::get<ConfigMap>(done.node.data);
      std::erase_if(done.merged, [&](const ConfigMember& member) { return done.node.find(member.name) != nullptr; });
      own.insert(own.begin(), std::make_move_iterator(done.merged.begin()), std::make_move_iterator(done.merged.end()));
    }
    complete(std::move(done.node), done.anchor);
  }

  // A whole value: the root, an item of the innermost open list, or a member of the innermost open map.
  void complete(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      count_copies(extent_of(node).nodes, node.mark);
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (auto* list = std::get_if<ConfigList>(&parent.node.data)) {
      list->push_back(std::move(node));
      return;
    }
    if (!parent.name) {
      fail(node.mark, "a name is missing before the ':'");
    }
    const std::string name = *std::exchange(parent.name, std::nullopt);
    if (parent.is_merge) {
      merge(parent, node);
    } else if (const ConfigNode* earlier = parent.node.find(name)) {
      fail(parent.name_mark, name + " stands here a second time (first on line " + std::to_string(earlier->mark.line) +
                                 "), and would have to stand once");
    } else if (parent.node.map()->size() == kMostMembers) {
      fail(parent.name_mark, "a map has more than " + std::to_string(kMostMembers) + " names here");
    } else {
      std::get<ConfigMap>(parent.node.data).push_back({name, parent.name_mark, std::move(node)});
    }
  }

  // <<: *base, or <<: [*first, *second]; earlier maps win.
  static void merge(Open& parent, const ConfigNode& node) {
    if (const ConfigList* several = node.list()) {
      for (const ConfigNode& item : *several) {
        merge(parent, item);
      }
      return;
    }
    if (node.map() == nullptr) {
      fail(node.mark, "<< is " + shown(node) + ", and would have to be an alias of a map such as *defaults");
    }
    for (const ConfigMember& member : *node.map()) {
      const auto same = [&](const ConfigMember& other) { return other.name == member.name; };
      if (std::none_of(parent.merged.begin(), parent.merged.end(), same)) {
        parent.merged.push_back(member);
      }
    }
  }

  std::shared_ptr<const std::string> source_;
  std::optional<int> first_line_;
  ConfigNode root_;
  int begin_ = -1;  // of the document, in the text
  std::vector<Open> open_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::size_t nodes_ = 0;   // written in the file
  std::size_t copies_ = 0;  // made of them
};

// Tabs are the fault that YAML's own messages do not name.
std::string tab_hint(std::string_view text, int line) {
  for (; line > 0 && text.find('\n') != std::string_view::npos; --line) {
    text.remove_prefix(text.find('\n') + 1);
  }
  const std::string_view indent = text.substr(0, text.find_first_not_of(" \t"));
  return indent.find('\t') == std::string_view::npos
             ? ""
             : "; this line is indented with a tab, and would have to be with spaces";
}

// The last document of `text` that is not empty; null where there is none.
ConfigNode parse_one(std::string_view text, const std::shared_ptr<const std::string>& source,
                     std::optional<int> first_line) {
  TreeBuilder builder(source, first_line);
  std::istringstream stream{std::string(text)};
  ConfigNode root;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      ConfigNode next = builder.take_root();
      if (!std::holds_alternative<std::monostate>(next.data) || !root.mark.source) {
        root = std::move(next);
      }
    }
  } catch (const YAML::Exception& error) {
    fail(builder.place(error.mark), "this is not YAML: " + error.msg + tab_hint(text, error.mark.line));
  }
  return root;
}

}  // namespace

std::vector<ConfigDocument> parse_documents(std::string_view text, const std::string& file_name) {
  const auto source = std::make_shared<const std::string>(file_name);
  if (const std::optional<TextFault> fault = find_fault(text)) {
    fail({source, fault->line, fault->column}, fault->what);
  }
  std::vector<ConfigDocument> documents;
  for (const DocumentText& part : split_documents(text)) {
    ConfigNode root = parse_one(part.text, source, part.first_line);
    if (!std::holds_alternative<std::monostate>(root.data)) {
      documents.push_back({std::string(part.text), std::move(root)});
    }
  }
  return documents;
}

ConfigNode parse_flag_value(std::string_view text, const std::string& source) {
  const auto shared_source = std::make_shared<const std::string>(source);
  if (const std::optional<TextFault> fault = find_fault(text)) {
    fail({shared_source, 0, 0}, fault->what);
  }
  const bool bare_list = text.find(',') != std::string_view::npos && !text.starts_with(',') && !text.ends_with(',') &&
                         text.find_first_not_of("0123456789+-.eE, ") == std::string_view::npos;
  ConfigNode node =
      parse_one(bare_list ? "[" + std::string(text) + "]" : std::string(text), shared_source, std::nullopt);
  node.mark = {shared_source, 0, 0};
  return node;
}

}  // namespace memtrack
