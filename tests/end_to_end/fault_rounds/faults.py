"""What is done to a running memtrackd in one round (draw.py), carried out."""
import heapq
import itertools
import json
import os
import resource
import signal
import sqlite3
import time
from dataclasses import dataclass

from .workplace import wait_until, what_holds

PATIENCE = 60  # seconds, with what ends or goes on by itself
POLL = 0.02  # seconds


@dataclass
class LateKill:
    """Of a collector, when its trial had run for some seconds."""
    trial: str
    time_ns: int
    waited_ns: int  # what the machine kept collector and harness from running meanwhile, and what its clock was set by


def right_ends(done):
    """What a daemon may end with, as subprocess tells it, after what was done to it. Nothing: it must not end."""
    ends = {-signal.SIGKILL} if "SIGKILL" in done else set()
    if "SIGTERM" in done or "SIGTERM before it listened" in done:
        ends |= {0}
        # A daemon does not catch it yet, or, about to end, no more.
        ends |= {-signal.SIGTERM} if "SIGTERM before it listened" in done or done.count("SIGTERM") > 1 else set()
        # A sanitizer's last look for leaks takes descriptors.
        ends |= {1} if "left without descriptors, sanitized" in done else set()
    return ends


class Faults:
    """Carries a plan out and keeps its history. `touched`: what was done to which trial, by its trial_id or uid;
    `committed`: the samples of a trial that a reader has seen; `wrong_ends`: of daemons, one sentence each; `begun_in_pauses`:
    trials of paused sweeps; `cancelled_sweeps`: the names of those that were cancelled whole."""

    def __init__(self, place):
        self.place = place
        self.history = []
        self.touched = {}
        self.committed = {}
        self.may_leave_files = False
        self.submissions = []
        self.wrong_ends = []
        self.late_kills = []
        self.begun_in_pauses = []
        self.cancelled_sweeps = set()
        self._done_to_daemon = []  # that of now; see right_ends()
        self.begin = time.monotonic()
        self._will_restart = False
        self._has_paused = False
        self._due = []
        self._order = itertools.count()

    def tell(self, what):
        self.history.append(f"{(time.monotonic() - self.begin) * 1000:8.1f} ms  {what}")

    def begin_with(self, sweep):
        self.place.start_daemon()
        self.begin = time.monotonic()
        # The daemon may not listen yet.
        wait_until(lambda: (self.place.runtime / "memtrack/memtrackd.sock").exists(), 60)
        self.submissions.append((sweep, self.place.submit(json.dumps(sweep))))

    def wait_for_the_end(self):
        """All faults are undone by now: what does not end then is found by the checks."""
        for client in self.place.clients:
            if not wait_until(lambda: client.poll() is not None, PATIENCE):
                raise TimeoutError(f"{client.args} does not end: {what_holds(client.pid)}")
        wait_until(lambda: not self.place.rows("SELECT 1 FROM trials WHERE state IN ('queued', 'running')"), 60)
        wait_until(lambda: not self.place.left_of_trials(), 60)
        wait_until(lambda: self.may_leave_files or not self.place.left_files(), 10)

    def run(self, plan):
        for step in plan:
            self._at(step.at, getattr(self, step.action), step)
        while self._due:
            at, _, work, arguments = heapq.heappop(self._due)
            time.sleep(max(0.0, self.begin + at - time.monotonic()))
            work(*arguments)

    def _at(self, seconds, work, *arguments):
        heapq.heappush(self._due, (seconds, next(self._order), work, arguments))

    def _after(self, seconds, work, *arguments):
        self._at(time.monotonic() - self.begin + seconds, work, *arguments)

    def look_at_samples(self):
        for trial, count, last in self._ask(
                "SELECT trial_id, count(*), max(time_ns) FROM samples WHERE kind <> 'baseline' GROUP BY trial_id") or []:
            self.committed[trial] = (count, last)

    def _ask(self, sql):
        """Rows. None: the database cannot be read now."""
        try:
            return self.place.rows(sql)
        except sqlite3.OperationalError as error:  # a reader needs some room on the disk too
            self.tell(f"could not read the database: {error}")
            return None

    def _find(self, roles):
        return [process for process in self.place.processes() if process.role in roles]

    def kill(self, step):
        found = self._find(step.roles)
        self.look_at_samples()
        for process in found:
            self._touch(process, "killed")
            if process.role == "daemon":
                self.may_leave_files = True
                self._done_to_daemon.append("SIGKILL")
            process.send(signal.SIGKILL)
        self.tell("killed " + (", ".join(map(str, found)) or f"nothing: no {' or '.join(step.roles)}"))
        if any(process.role == "daemon" for process in found):
            self._restart_after(step.seconds)

    def kill_late(self, step):
        now, wall = time.monotonic(), time.time()
        self._kill_at(now + step.seconds, now, 0.0, wall - now)

    def _kill_at(self, end, last, late, clock):
        """Looks in all the time whether the machine lets us run."""
        now, wall = time.monotonic(), time.time()
        late += max(0.0, now - last - POLL)
        if now < end:
            self._after(POLL, self._kill_at, end, now, late, clock)
            return
        for collector in self._find(("collector",)):
            self._touch(collector, "killed")
            waited = collector.waited_ns() + int((late + abs(wall - now - clock)) * 1e9)
            self.late_kills.append(LateKill(collector.trial, int(wall * 1e9), waited))
            collector.send(signal.SIGKILL)
            self.tell(f"killed {collector}, which the machine kept waiting for {waited / 1e9:.3f} s")

    def terminate(self, step):
        found = self._find(("daemon",))
        if self._will_restart:  # the second signal cancels what runs
            running = self._ask("SELECT trial_id FROM trials WHERE state = 'running'")
            if running is None:
                return
            for (trial,) in running:
                self.touched.setdefault(str(trial), set()).add("cancelled")
        for process in found:
            self._terminate(process)
            self._restart_after(step.seconds)
        self.tell("sent SIGTERM to " + (", ".join(map(str, found)) or "nobody: no daemon"))

    def _terminate(self, daemon):
        listens = self.place.listens(daemon.pid)
        self._done_to_daemon.append("SIGTERM" if listens else "SIGTERM before it listened")
        daemon.send(signal.SIGTERM)

    def end_daemon(self):
        for process in self._find(("daemon",)):
            self._terminate(process)
        if wait_until(lambda: self.place.daemon.poll() is not None, PATIENCE):
            self._judge_end()
        else:
            self.wrong_ends.append(f"{self._daemon()} does not end: {what_holds(self.place.daemon.pid)}")

    def _judge_end(self):
        code = self.place.daemon.returncode
        if code not in right_ends(self._done_to_daemon):
            log = "".join(f"\n    {line}" for line in self.place.log.read_text().splitlines()[-60:])
            self.wrong_ends.append(f"{self._daemon()} ended with {code}, its log:{log}")
        self._done_to_daemon = []

    def _daemon(self):
        return f"daemon {self.place.daemon.pid}, to which was done {self._done_to_daemon or 'nothing'},"

    def _restart_after(self, seconds):
        if not self._will_restart:
            self._will_restart = True
            self._after(seconds, self._restart, time.monotonic() + seconds + PATIENCE)

    def _restart(self, deadline):
        # One that is stopped, or answers a request, ends later.
        if self.place.daemon.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"daemon {self.place.daemon.pid} does not end: {what_holds(self.place.daemon.pid)}")
            self._after(POLL, self._restart, deadline)
            return
        self._will_restart = False
        self._judge_end()
        self.place.start_daemon()
        self.tell(f"started daemon {self.place.daemon.pid}")

    def stop(self, step):
        found = self._find(step.roles)
        for process in found:
            process.send(signal.SIGSTOP)
        wait_until(lambda: all(process.has_stopped() for process in found), 1)
        self.tell("stopped " + (", ".join(map(str, found)) or f"nothing: no {' or '.join(step.roles)}"))
        # In a fork, or in a tracer's hands, one stops only when it comes back from there.
        tardy = [process for process in found if not process.has_stopped()]
        self._after(step.seconds, self._go_on, [process for process in found if process not in tardy])
        for process in tardy:
            self._after(step.seconds, self._go_on_when_stopped, process, time.monotonic() + PATIENCE)

    def _go_on(self, found):
        for process in found:
            process.go_on()
        self.tell("let go on " + ", ".join(map(str, found)))

    def _go_on_when_stopped(self, process, deadline):
        if process.has_stopped() or time.monotonic() > deadline:
            self._go_on([process])
        else:
            self._after(POLL, self._go_on_when_stopped, process, deadline)

    def fill(self, step):
        filler = os.open(self.place.disk / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while os.write(filler, bytes(4096)):
                pass
        except OSError:
            self.tell("filled the disk")
        os.close(filler)
        self._after(step.seconds, self._make_room)

    def _make_room(self):
        (self.place.disk / "filler").unlink(missing_ok=True)
        self.tell("made room on the disk")

    def lock(self, step):
        try:
            holder = sqlite3.connect(f"file:{self.place.database}?mode=rw", uri=True, timeout=0.2, isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self.tell(f"could not lock the database: {error}")
            return
        self.tell("locked the database")
        self._after(step.seconds, self._unlock, holder)

    def _unlock(self, holder):
        holder.close()
        self.tell("unlocked the database")

    def starve(self, step):
        """Takes the daemon every descriptor that it does not hold yet."""
        for process in self._find(("daemon",)):
            # One that is starting could not load its libraries.
            if not self.place.listens(process.pid):
                continue
            enough = resource.getrlimit(resource.RLIMIT_NOFILE)  # what it got from us
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (0, enough[1]))
            self.may_leave_files = True
            self._done_to_daemon += ["left without descriptors, sanitized"] if self.place.is_sanitized else []
            self.tell(f"left no descriptor to {process}")
            self._after(step.seconds, self._feed, process, enough)

    def _feed(self, process, limits):
        try:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
            self.tell(f"gave descriptors to {process}")
        except ProcessLookupError:
            pass

    def cancel(self, step):
        running = self._ask("SELECT trial_id FROM trials WHERE state IN ('queued', 'running') LIMIT 1") or []
        for (trial,) in running:
            self.touched.setdefault(str(trial), set()).add("cancelled")
            self.place.memtrack("cancel", "--trial", str(trial))
        self.tell(f"asked to cancel {[trial for (trial,) in running]}")

    def submit(self, step):
        self.submissions.append((step.sweep, self.place.submit(json.dumps(step.sweep))))
        self.tell(f"submitted {step.sweep['name']}")

    def endless(self, step):
        """A sweep that is cancelled some time later."""
        name = step.sweep["name"]
        self.cancelled_sweeps.add(name)
        self.submit(step)
        client = self.place.clients[-1]
        live = (f"SELECT 1 FROM sweeps s WHERE name = '{name}' AND (next_number IS NOT NULL OR EXISTS "
                "(SELECT 1 FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state IN ('queued', 'running')))")
        self._after(step.seconds + 0.2, self._insist, ("cancel", name),
                    lambda: client.poll() is not None and self._ask(live) == [], time.monotonic() + PATIENCE)

    def pause(self, step):
        found = self._ask("SELECT sweep_id FROM sweeps WHERE state IN ('queued', 'running') LIMIT 1")
        for (sweep,) in found or []:
            if self._has_paused:  # the end of one pause would be amid the other
                continue
            self._has_paused = True
            self.tell(f"asked to pause sweep {sweep}")
            self._wait_for_pause(sweep, self.place.memtrack("pause", str(sweep)), step.seconds)

    def _wait_for_pause(self, sweep, client, seconds):
        if client.poll() is None:
            self._after(POLL, self._wait_for_pause, sweep, client, seconds)
            return
        queued = []
        if client.returncode == 0:
            queued = self._ask(f"SELECT trial_id FROM trials WHERE sweep_id = {sweep} AND state = 'queued'") or []
            self.tell(f"paused sweep {sweep}")
        self._after(seconds, self._resume, sweep, [trial for (trial,) in queued])

    def _resume(self, sweep, queued):
        begun = self._ask(f"SELECT trial_id, state FROM trials WHERE trial_id IN ({', '.join(map(str, queued))}) "
                          "AND state NOT IN ('queued', 'cancelled')")
        self.begun_in_pauses += begun or []
        self._insist(("resume", str(sweep)),
                     lambda: self._ask(f"SELECT paused FROM sweeps WHERE sweep_id = {sweep}") == [(0,)],
                     time.monotonic() + PATIENCE)

    def _insist(self, words, is_done, deadline, client=None):
        """Again and again: the daemon may be away."""
        if not client or client.poll() is not None:
            if is_done():
                self.tell(f"it is done: {' '.join(words)}")
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"in vain: {' '.join(words)}")
            client = self.place.memtrack(*words)
        self._after(POLL, self._insist, words, is_done, deadline, client)

    def _touch(self, process, how):
        if process.trial:
            self.touched.setdefault(process.trial, set()).add(f"{process.role} {how}")
