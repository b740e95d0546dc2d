#pragma once

// A folder that looks like /sys/fs/cgroup, with the kernel's part done by functions: new groups get their files, a
// process that is written somewhere leaves where it was, v2's rule against processes beside controllers holds.

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "collector/cgroup.h"
#include "tests/collector/fake_proc.h"
#include "tests/temporary_directory.h"

namespace memtrack::testing {

class FakeCgroups {
 public:
  // `own`: /proc/self/cgroup.
  explicit FakeCgroups(const std::string& own) {
    instance_ = this;
    proc_.write("self/cgroup", own);
  }
  ~FakeCgroups() { instance_ = nullptr; }

  CgroupPlace place(bool as_root) const {
    return {.root = folder_.path(),
            .proc = proc_.path(),
            .as_root = as_root,
            .make_folder = make_folder,
            .remove_folder = remove_folder,
            .write_file = write_file,
            .try_to_join = [](int) { return 0; }};
  }
  std::filesystem::path path(const std::string& group) const { return folder_ / group; }
  bool has(const std::string& group) const { return std::filesystem::exists(path(group)); }
  const FakeProc& proc() const { return proc_; }

  std::string read(const std::string& file) const { return read_cgroup_file(path(file)).value_or("none"); }
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(path(file).parent_path());
    std::ofstream(path(file)) << text;
  }

  // A group of v2 that is there already. The root has no cgroup.events.
  void add_v2(const std::string& group, const std::string& controllers, const std::string& procs) const {
    const std::filesystem::path folder = group;
    write(folder / "cgroup.controllers", controllers);
    write(folder / "cgroup.subtree_control", "");
    write(folder / "cgroup.procs", procs);
    if (!group.empty()) {
      write(folder / "cgroup.events", "populated 1\n");
    }
  }
  void add_process(pid_t pid, const std::string& name) const {
    proc_.write(std::to_string(pid) + "/comm", name + "\n");
  }

  // Folders that nobody may change.
  std::string forbidden = {};

  // mkdir() as the kernel does it here, which fills what it has made.
  static int make_folder(const char* name, mode_t mode) {
    const std::filesystem::path group = name;
    if (!instance_->forbidden.empty() &&
        std::filesystem::equivalent(group.parent_path(), instance_->path(instance_->forbidden))) {
      return refuse(EACCES);
    }
    if (mkdir(name, mode) != 0) {
      return -1;
    }
    const auto fill = [&](const char* file, const char* text) { std::ofstream(group / file) << text; };
    fill("cgroup.procs", "");
    if (group.string().starts_with(instance_->path("memory").string())) {
      for (const char* file : {"memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes",
                               "memory.memsw.limit_in_bytes"}) {
        fill(file, "0\n");
      }
      fill("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
      return 0;
    }
    const bool has_memory = text_of(group.parent_path() / "cgroup.subtree_control").find("memory") != std::string::npos;
    fill("cgroup.controllers", has_memory ? "memory\n" : "\n");
    fill("cgroup.subtree_control", "");
    fill("cgroup.events", "populated 0\n");
    fill("cgroup.kill", "");
    if (has_memory) {
      fill("memory.current", "0\n");
      fill("memory.peak", "0\n");
      fill("memory.max", "max\n");
      fill("memory.swap.max", "max\n");
      fill("memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n");
    }
    return 0;
  }

 private:
  static std::string text_of(const std::filesystem::path& file) { return read_cgroup_file(file).value_or(""); }

  static int refuse(int error) {
    errno = error;
    return -1;
  }

  static int remove_folder(const char* name) {
    if (!std::filesystem::exists(name)) {
      return refuse(ENOENT);
    }
    for (const auto& entry : std::filesystem::directory_iterator(name)) {
      if (entry.is_directory()) {
        return refuse(EBUSY);
      }
    }
    if (!text_of(std::filesystem::path(name) / "cgroup.procs").empty()) {
      return refuse(EBUSY);
    }
    std::filesystem::remove_all(name);
    return 0;
  }

  static int write_file(const std::filesystem::path& file, std::string_view text) {
    if (!std::filesystem::exists(file)) {
      return ENOENT;
    }
    const std::filesystem::path group = file.parent_path();
    if (file.filename() == "cgroup.procs") {
      move_process(std::string(text), group);
      return 0;
    }
    if (file.filename() == "cgroup.kill") {
      std::ofstream(group / "cgroup.procs") << "";
      return 0;
    }
    if (file.filename() == "cgroup.subtree_control") {
      const bool is_root = !std::filesystem::exists(group / "cgroup.events");
      if (!is_root && !text_of(group / "cgroup.procs").empty()) {
        return EBUSY;
      }
      std::ofstream(file) << text.substr(1) << '\n';
      return 0;
    }
    std::ofstream(file) << text << '\n';
    return 0;
  }

  static void move_process(const std::string& pid, const std::filesystem::path& group) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(instance_->folder_.path())) {
      if (entry.path().filename() == "cgroup.procs") {
        std::string text = text_of(entry.path());
        if (const std::size_t begin = text.find(pid + "\n"); begin != std::string::npos) {
          std::ofstream(entry.path()) << text.erase(begin, pid.size() + 1);
        }
      }
    }
    std::ofstream(group / "cgroup.procs", std::ios::app) << pid << '\n';
  }

  static inline const FakeCgroups* instance_ = nullptr;  // what is passed on are plain functions

  TemporaryDirectory folder_;
  FakeProc proc_;
};

}  // namespace memtrack::testing
