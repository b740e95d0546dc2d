// A program of known footprint, for tests. Each argument is a step, in order:
//   private=MIB   touches that much private memory and keeps it        burst=MIB   touches and gives it back
//   orphan=MIB    a grandchild with its own session and no parent keeps that much, until it is killed
//   child=MIB     a child touches that much and ends; it is waited for
//   threads=N     starts N threads that wait for ever                  thread-child=MIB  a thread forks a child that
//   stays spin=MS       uses that much CPU time                              child-spin=MS     a child does, and is
//   waited for ready         prints "ready"                                       wait        until standard input ends
//   sleep=MS      sleeps                                               forever     until it is killed

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

char* touch(long mib) {
  const std::size_t size = static_cast<std::size_t>(mib) << 20;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  std::memset(memory, 1, size);
  return static_cast<char*>(memory);
}

[[noreturn]] void wait_for_ever() {
  for (;;) {
    pause();
  }
}

void spin(long ms) {
  timespec time{};
  do {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  } while (time.tv_sec * 1000 + time.tv_nsec / 1'000'000 < ms);
}

void leave_orphan(long mib) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    touch(mib);
    wait_for_ever();
  }
  waitpid(child, nullptr, 0);
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

void step(const char* word) {
  const char* equals = std::strchr(word, '=');
  const long number = equals != nullptr ? std::atol(equals + 1) : 0;
  const auto is = [&](const char* name) {
    const std::size_t length = equals != nullptr ? static_cast<std::size_t>(equals - word) : std::strlen(word);
    return std::strlen(name) == length && std::strncmp(word, name, length) == 0;
  };
  if (is("private")) {
    touch(number);
  } else if (is("burst")) {
    munmap(touch(number), static_cast<std::size_t>(number) << 20);
  } else if (is("orphan")) {
    leave_orphan(number);
  } else if (is("child")) {
    in_child([&] { touch(number); });
  } else if (is("threads")) {
    for (long i = 0; i < number; ++i) {
      std::thread(wait_for_ever).detach();
    }
  } else if (is("thread-child")) {
    std::thread([number] {
      if (fork() == 0) {
        touch(number);
        wait_for_ever();
      }
      wait_for_ever();
    }).detach();
  } else if (is("spin")) {
    spin(number);
  } else if (is("child-spin")) {
    in_child([&] { spin(number); });
  } else if (is("ready")) {
    std::puts("ready");
    std::fflush(stdout);
  } else if (is("wait")) {
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
  } else if (is("sleep")) {
    usleep(static_cast<useconds_t>(number) * 1000);
  } else if (is("forever")) {
    wait_for_ever();
  } else {
    std::fprintf(stderr, "footprint: unknown step '%s'\n", word);
    std::exit(2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    step(argv[i]);
  }
}
