"""A user's folders of a round's own: a small disk with the database on it, a memtrackd that is started again when it
was killed, and the processes that belong to it."""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from dataclasses import dataclass

DISK_BYTES = 24 << 20
CLONE_NEWNS = 0x00020000  # linux/sched.h
CLONE_NEWUSER = 0x10000000


def unshare_mounts():
    """Gives this process mounts that nobody else sees. Returns why not, empty where it did."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
            return f"mounting is not allowed here: {os.strerror(ctypes.get_errno())}"
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    made = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return made.stderr.strip()


@dataclass
class Process:
    """Held by its pidfd: a pid may have become somebody else's."""
    pid: int
    pidfd: int
    role: str  # daemon, collector, command; helper: what daemon and clients start
    trial: str  # of a collector the trial_id, of a command the uid, else empty

    def send(self, number):
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            pass

    def has_stopped(self):
        """Or ended."""
        return state_of(self.pid) in ("T", "Z", "X", "")

    def waited_ns(self):
        """How long its threads were ready to run and had no processor."""
        waited = 0
        for path in pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            try:
                waited += int(path.read_text().split()[1])
            except OSError:  # it has ended
                pass
        return waited

    def go_on(self):
        """SIGCONT, to one that is stopped alone: it discards every SIGSTOP that waits for a process, and a sanitizer's
        build, as it ends, waits for that of its own tracer, for ever if it does not come."""
        if state_of(self.pid) == "T":
            self.send(signal.SIGCONT)

    def __del__(self):
        os.close(self.pidfd)

    def __str__(self):
        return f"{self.role} {self.pid}" + (f" of trial {self.trial}" if self.trial else "")


class Workplace:
    def __init__(self, build, with_small_disk, runtime_on_disk):
        self.build = build
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="memtrack-faults-"))
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.is_sanitized = re.search("^MEMTRACK_SANITIZE:.*=.", (build / "CMakeCache.txt").read_text(), re.MULTILINE)
        self.has_small_disk = with_small_disk
        if with_small_disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", self.disk], check=True)
        self.runtime = (self.disk if runtime_on_disk else self.folder) / "run"
        self.runtime.mkdir(mode=0o700)
        self.database = self.disk / "memtrack.db"
        self.notes = self.folder / "notes"
        self.log = self.folder / "memtrackd.log"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("MEMTRACK_")}
        self.environment |= {"XDG_RUNTIME_DIR": str(self.runtime), "XDG_STATE_HOME": str(self.folder),
                             "MEMTRACK_DB": str(self.database), "FOOTPRINT_NOTES": str(self.notes)}
        self.daemon = None
        self.clients = []
        self._reader = None

    def close(self):
        if self.daemon:
            self.daemon.kill()  # one that was started just now may not have its environment yet
            self.daemon.wait()
        for process in self.processes():
            process.send(signal.SIGKILL)
        for client in self.clients:
            client.communicate()
        if self._reader:
            self._reader.close()
        if self.has_small_disk:
            subprocess.run(["umount", "--lazy", self.disk], check=True)
        shutil.rmtree(self.folder)

    def start_daemon(self):
        with open(self.log, "a") as log:
            self.daemon = subprocess.Popen([self.build / "bin/memtrackd", "--db", self.database], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, env=self.environment)

    def listens(self, pid):
        return f"(process {pid}) listens" in self.log.read_text()

    def logs(self):
        """Of the daemons and their collectors; then of each trial."""
        return [self.log, *self.disk.glob("memtrack.logs/*")]

    def memtrack(self, *words):
        """Started, not waited for: the daemon may not be able to answer before something else happens."""
        client = subprocess.Popen([self.build / "bin/memtrack", *words], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment,
                                  cwd=self.folder)
        self.clients.append(client)
        return client

    def submit(self, config):
        """The process of it; exit code 0: the sweep was accepted."""
        path = self.folder / f"sweep-{len(self.clients)}.yaml"
        path.write_text(config)
        return self.memtrack("sweep", path)

    def rows(self, sql):
        """Empty while there is no database."""
        try:
            if self._reader is None:
                self._reader = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10,
                                               isolation_level=None)
            return self._reader.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            self._reader = None
            if "unable to open" in str(error) or "no such table" in str(error):
                return []
            raise

    def noted(self):
        """What the commands wrote: of each trial, by its uid, the numbers of its steps and when each was taken."""
        steps = {}
        for line in self.notes.read_text().splitlines() if self.notes.exists() else []:
            uid, number, _, time_ns = line.split()
            steps.setdefault(uid, []).append((int(number), int(time_ns)))
        return steps

    def processes(self):
        """All that live, told from others by their environment."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid():
                process = self._look_at(int(name))
                if process:
                    found.append(process)
        # A sanitizer's build that ends is looked at by a copy of itself, which is no process of ours.
        tracers = {status_of(process.pid).get("TracerPid") for process in found}
        return [process for process in found if str(process.pid) not in tracers]

    def left_of_trials(self):
        return [process for process in self.processes() if process.role in ("collector", "command")]

    def left_files(self):
        """What only a trial that runs has."""
        return [*self.runtime.rglob("*.lock"), *self.runtime.rglob("*.ev"), *self.disk.glob("memtrack.private/trial-*")]

    def _look_at(self, pid):
        # Nothing to be seen before the pidfd is opened counts: the pid may change hands until then.
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return None
        try:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            environment, words = [], []
        if f"FOOTPRINT_NOTES={self.notes}".encode() not in environment:
            os.close(pidfd)
            return None
        uids = [entry.partition(b"=")[2].decode() for entry in environment if entry.startswith(b"MEMTRACK_TRIAL=")]
        if uids:
            return Process(pid, pidfd, "command", uids[0])
        if words[0].endswith("memtrack-collector"):
            return Process(pid, pidfd, "collector", words[words.index("--trial") + 1] if "--trial" in words else "")
        return Process(pid, pidfd, "daemon" if self.daemon and pid == self.daemon.pid else "helper", "")


def state_of(pid):
    """A letter, as in proc_pid_stat(5): T is stopped, t is held by a tracer; empty: gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def status_of(pid):
    """The lines of /proc/PID/status by their names; empty: gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def what_holds(pid):
    """Of each of its threads, and of the tracer of one: why it does not go on, as far as the kernel tells."""
    told = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        status = status_of(f"{pid}/task/{task.name}")
        told.append(", ".join([f"thread {task.name} {status.get('State')} in {wchan_of(task)}",
                               *(f"{name} {status.get(name)}" for name in ("SigPnd", "ShdPnd", "TracerPid"))]))
        tracer = status.get("TracerPid", "0")
        if tracer != "0":
            told.append(f"its tracer {status_of(tracer).get('State')} in {wchan_of(pathlib.Path('/proc', tracer))}")
    return "; ".join(told) or "it is gone"


def wchan_of(folder):
    """What in the kernel it waits in."""
    try:
        return (folder / "wchan").read_text()
    except OSError:
        return "?"


def wait_until(condition, seconds):
    """False: it did not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
