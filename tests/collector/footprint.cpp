// A program of known footprint, for tests. Each argument is a step, in order. Sizes are in MiB.
//
// Memory of its own, kept until its end:
//   private=MIB          private memory                         malloc-kept=MIB       freed, but kept by malloc
//   burst=MIB            given back at once                     malloc-returned=MIB   freed, and given back by malloc
//   burst-50ms=MIB       given back 50 ms later
// Memory that `workers` share:
//   shared=MIB           MAP_SHARED | MAP_ANONYMOUS             tmpfs=MIB             a file in /dev/shm, mapped
//   file=MIB             a file in the working folder, mapped and read
// Processes and threads; those that stay end with the program, but for `orphan`:
//   workers=N            N children touch all that is shared    grandchild=MIB        has its own session and no parent
//   many=N               N children with 256 KiB each           orphan=MIB            the same, until it is killed
//   child=MIB            touches that much and ends             threads=N             that wait for ever
//   short-children=N     one after the other                    thread-child=MIB      a child of a second thread, stays
//   short-orphans=N      they end after their parents
//   reuse-pid=MIB        a child with the pid of one that ended (exit code 77 where the kernel refuses that)
// Time:
//   spin=MS              of CPU                                 child-spin=MS         of a child, which is waited for
//   sleep=MS             by the clock                           wait                  until standard input ends
//   forever              until it is killed
// The rest:
//   sample               has the collector take a sample now    ready                 prints "ready"
//   exec                 executes itself with the steps that follow
//   note=N               appends "TRIAL N PID TIME_NS" to the file that FOOTPRINT_NOTES names, TRIAL as told by
//   memtrack

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRefused = 77;
constexpr std::size_t kPage = 4096;

struct Region {
  char* begin;
  std::size_t size;
};
// What workers touch.
std::vector<Region> shared_regions;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::size_t mib(long number) {
  return static_cast<std::size_t>(number) << 20;
}

char* map(std::size_t size, int flags, int file = -1) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file, 0);
  if (memory == MAP_FAILED) {
    fail("mmap");
  }
  return static_cast<char*>(memory);
}

char* touch(std::size_t size) {
  char* memory = map(size, MAP_PRIVATE | MAP_ANONYMOUS);
  std::memset(memory, 1, size);
  return memory;
}

void read_pages(const Region& region) {
  for (std::size_t at = 0; at < region.size; at += kPage) {
    static_cast<void>(*static_cast<volatile char*>(region.begin + at));
  }
}

[[noreturn]] void wait_for_ever() {
  for (;;) {
    pause();
  }
}

void wait_for_end_of(int file) {
  char byte = 0;
  while (read(file, &byte, 1) > 0) {
  }
}

void sleep_ms(long ms) {
  const timespec time{.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1'000'000};
  nanosleep(&time, nullptr);
}

void spin(long ms) {
  timespec time{};
  do {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  } while (time.tv_sec * 1000 + time.tv_nsec / 1'000'000 < ms);
}

void burst(long size, long ms) {
  char* memory = touch(mib(size));
  sleep_ms(ms);
  munmap(memory, mib(size));
}

void* volatile kept_block = nullptr;  // so that no compiler leaves it out

// Blocks below the size that malloc maps apart; the last one, which stays, keeps the others from being given back.
void keep_by_malloc(long size) {
  constexpr std::size_t kBlock = 65536;
  std::vector<void*> blocks;
  for (std::size_t left = mib(size); left >= kBlock; left -= kBlock) {
    blocks.push_back(std::memset(std::malloc(kBlock - 64), 1, kBlock - 64));
  }
  kept_block = std::malloc(kBlock);
  for (void* block : blocks) {
    std::free(block);
  }
}

// Blocks that malloc maps one by one.
void return_by_malloc(long size) {
  std::vector<void*> blocks;
  for (long i = 0; i < size; ++i) {
    blocks.push_back(std::memset(std::malloc(mib(1)), 1, mib(1)));
  }
  for (void* block : blocks) {
    std::free(block);
  }
}

void share(long size) {
  shared_regions.push_back({map(mib(size), MAP_SHARED | MAP_ANONYMOUS), mib(size)});
  std::memset(shared_regions.back().begin, 1, mib(size));
}

// A file without a name, in `folder`, full of ones.
int make_file(const char* folder, long size) {
  const int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  static char ones[65536];  // not from malloc, which might keep it
  std::memset(ones, 1, sizeof ones);
  for (std::size_t left = mib(size); left > 0; left -= sizeof ones) {
    if (file < 0 || write(file, ones, sizeof ones) != sizeof ones) {
      fail(folder);
    }
  }
  return file;
}

void map_file(const char* folder, long size) {
  const int file = make_file(folder, size);
  shared_regions.push_back({map(mib(size), MAP_SHARED, file), mib(size)});
  read_pages(shared_regions.back());
  close(file);
}

template <typename Work>
void in_child(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

// Returns once `work` is done in the child, which then stays until this program ends.
template <typename Work>
pid_t in_lasting_child(Work work) {
  int done[2];
  if (pipe2(done, O_CLOEXEC) != 0) {
    fail("pipe");
  }
  const pid_t child = fork();
  if (child < 0) {
    fail("fork");
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(done[0]);
    work();
    close(done[1]);
    wait_for_ever();
  }
  close(done[1]);
  wait_for_end_of(done[0]);
  close(done[0]);
  return child;
}

void leave_orphan(long size) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    touch(mib(size));
    wait_for_ever();
  }
  waitpid(child, nullptr, 0);
}

// Its end is told by a pipe: its parent's death, which comes first, says nothing.
void leave_grandchild(long size) {
  int alive[2];
  int done[2];
  if (pipe2(alive, O_CLOEXEC) != 0 || pipe2(done, O_CLOEXEC) != 0) {
    fail("pipe");
  }
  in_child([&] {
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    close(alive[1]);
    touch(mib(size));
    close(done[0]);
    close(done[1]);
    wait_for_end_of(alive[0]);
    _exit(0);
  });
  close(alive[0]);
  close(done[1]);
  wait_for_end_of(done[0]);
  close(done[0]);
}

void start_short_children(long number) {
  for (long i = 0; i < number; ++i) {
    in_child([] {});
  }
}

// Returns once they have ended, which a pipe tells: nobody here is their parent.
void start_short_orphans(long number) {
  int alive[2];
  if (pipe2(alive, O_CLOEXEC) != 0) {
    fail("pipe");
  }
  for (long i = 0; i < number; ++i) {
    in_child([] {
      if (fork() == 0) {
        usleep(500);
      }
    });
  }
  close(alive[1]);
  wait_for_end_of(alive[0]);
  close(alive[0]);
}

pid_t fork_as(pid_t pid) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&pid);
  arguments.set_tid_size = 1;
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

void reuse_pid(long size) {
  const pid_t first = in_lasting_child([] {});
  kill(first, SIGKILL);
  waitpid(first, nullptr, 0);
  int done[2];
  if (pipe2(done, O_CLOEXEC) != 0) {
    fail("pipe");
  }
  const pid_t second = fork_as(first);
  if (second < 0) {
    std::exit(kRefused);
  }
  if (second == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    touch(mib(size));
    close(done[0]);
    close(done[1]);
    wait_for_ever();
  }
  close(done[1]);
  wait_for_end_of(done[0]);
}

void start_threads(long number) {
  for (long i = 0; i < number; ++i) {
    std::thread(wait_for_ever).detach();
  }
}

void start_child_of_thread(long size) {
  std::thread([size] {
    if (fork() == 0) {
      touch(mib(size));
      wait_for_ever();
    }
    wait_for_ever();
  }).detach();
}

// A phase event makes a sample. The event behind it has been taken only after that sample was.
void have_a_sample_taken() {
  static int count = 0;
  const char* path = std::getenv("MEMTRACK_EVENTS");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int events = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) {
    return;
  }
  std::strcpy(address.sun_path, path);
  if (connect(events, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail(path);
  }
  const std::string phase = R"({"event":"phase","name":")" + std::to_string(++count) + "\"}";
  const std::string behind = R"({"event":"behind"})";
  if (send(events, phase.data(), phase.size(), 0) < 0 || send(events, behind.data(), behind.size(), 0) < 0) {
    fail("send");
  }
  for (int waiting = 1; waiting > 0; sleep_ms(1)) {
    if (ioctl(events, SIOCOUTQ, &waiting) != 0) {
      fail("SIOCOUTQ");
    }
  }
  close(events);
}

// One write a line: several programs may note in the same file.
void note(long number) {
  const char* trial = std::getenv("MEMTRACK_TRIAL");
  const char* path = std::getenv("FOOTPRINT_NOTES");
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  const std::string line = std::string(trial == nullptr ? "-" : trial) + " " + std::to_string(number) + " " +
                           std::to_string(getpid()) + " " +
                           std::to_string(std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec) + "\n";
  const int file = open(path == nullptr ? "/dev/null" : path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    fail("note");
  }
  close(file);
}

struct Step {
  const char* name;
  void (*run)(long number);
};

constexpr Step kSteps[] = {
    {"private", [](long size) { touch(mib(size)); }},
    {"burst", [](long size) { burst(size, 0); }},
    {"burst-50ms", [](long size) { burst(size, 50); }},
    {"malloc-kept", keep_by_malloc},
    {"malloc-returned", return_by_malloc},
    {"shared", share},
    {"tmpfs", [](long size) { map_file("/dev/shm", size); }},
    {"file", [](long size) { map_file(".", size); }},
    {"workers",
     [](long number) {
       for (long i = 0; i < number; ++i) {
         in_lasting_child([] {
           for (const Region& region : shared_regions) {
             read_pages(region);
           }
         });
       }
     }},
    {"many",
     [](long number) {
       for (long i = 0; i < number; ++i) {
         in_lasting_child([] { touch(256 << 10); });
       }
     }},
    {"child", [](long size) { in_child([&] { touch(mib(size)); }); }},
    {"short-children", start_short_children},
    {"short-orphans", start_short_orphans},
    {"orphan", leave_orphan},
    {"grandchild", leave_grandchild},
    {"reuse-pid", reuse_pid},
    {"threads", start_threads},
    {"thread-child", start_child_of_thread},
    {"spin", spin},
    {"child-spin", [](long ms) { in_child([&] { spin(ms); }); }},
    {"sleep", sleep_ms},
    {"wait", [](long) { wait_for_end_of(STDIN_FILENO); }},
    {"forever", [](long) { wait_for_ever(); }},
    {"sample", [](long) { have_a_sample_taken(); }},
    {"note", note},
    {"ready",
     [](long) {
       std::puts("ready");
       std::fflush(stdout);
     }},
};

void take_step(const std::string& word) {
  const std::size_t equals = word.find('=');
  for (const Step& step : kSteps) {
    if (word.substr(0, equals) == step.name) {
      step.run(equals == std::string::npos ? 0 : std::atol(word.c_str() + equals + 1));
      return;
    }
  }
  std::fprintf(stderr, "footprint: unknown step '%s'\n", word.c_str());
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "exec") == 0) {
      argv[i] = argv[0];
      execv("/proc/self/exe", argv + i);
      fail("exec");
    }
    take_step(argv[i]);
  }
}
