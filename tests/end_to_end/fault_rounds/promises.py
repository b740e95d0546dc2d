"""What must hold after a round, whatever was done in it: the promises of docs/architecture.md that are marked faults
there, and what a crash can lose at most, in docs/operations.md. Each check yields what is not as promised."""
import json
import re

from .draw import trials_of
from .workplace import wait_until, what_holds

COMMIT_NS = 1_000_000_000  # a sample waits no longer, or than its interval
LATE_NS = 1_000_000_000  # beside what the machine is seen to take
SLACK_NS = 10_000_000  # between the time of day, which the commands tell, and the trial's own clock
FOREIGN_MIB = 4  # what a footprint program has beside what it was told to have


def no_trial_is_stuck(place, faults):
    for trial, state, collector in place.rows(
            "SELECT trial_id, state, collector_pid FROM trials WHERE state IN ('queued', 'running')"):
        yield f"trial {trial} is {state}, its collector was {collector}"
    for sweep, state in place.rows("SELECT sweep_id, state FROM sweeps WHERE state IN ('queued', 'running')"):
        yield f"sweep {sweep} is {state}"


def none_runs_twice(place, faults):
    states = dict(place.rows("SELECT uid, state FROM trials"))
    for uid, steps in place.noted().items():
        numbers = [number for number, _ in steps]
        if numbers not in ([1], [1, 2]):
            yield f"the command of {uid} noted {numbers}"
        if uid not in states:
            yield f"a command ran for {uid}, which is no trial"
    for uid, state in states.items():
        if state == "done" and [number for number, _ in place.noted().get(uid, [])] != [1, 2]:
            yield f"{uid} is done, and its command did not run to its end"


def retries_are_marked(place, faults):
    for trial, attempt, retry_of in place.rows(
            "SELECT t.trial_id, t.attempt, t.retry_of FROM trials t LEFT JOIN trials first ON first.trial_id = t.retry_of "
            "WHERE (t.attempt > 1) <> (t.retry_of IS NOT NULL) OR t.attempt <> coalesce(first.attempt, 0) + 1"):
        yield f"trial {trial} is attempt {attempt}, of {retry_of}"
    for trial, state in place.rows(
            "SELECT t.trial_id, t.state FROM trials t JOIN sweeps s USING (sweep_id) LEFT JOIN trials again "
            "ON again.retry_of = t.trial_id WHERE again.trial_id IS NULL AND t.state IN ('failed', 'lost') "
            "AND t.attempt <= s.retries"):
        yield f"trial {trial} is {state}, its sweep has a retry left, and there is none"


def nothing_of_an_old_tree_lives(place, faults):
    for process in place.left_of_trials():
        yield f"{process} lives: {what_holds(process.pid)}"


def nothing_is_left_lying_about(place, faults):
    # Files of a trial that ended may stay where the daemon was killed just then, or had no descriptor to look at them.
    # Whoever clears up behind a trial takes its lock for a moment, and so makes the file.
    if not faults.may_leave_files and not wait_until(lambda: not place.left_files(), 10):
        yield from (f"{path} is there" for path in place.left_files())


def what_was_committed_is_there(place, faults):
    for trial, (count, last) in faults.committed.items():
        found = place.rows(f"SELECT count(*) FROM samples WHERE trial_id = {trial} AND kind <> 'baseline' "
                           f"AND time_ns <= {last}")
        if found != [(count,)]:
            yield f"trial {trial} had {count} samples up to {last} and has {found}"


def a_sample_is_committed_within_a_second(place, faults):
    # A real disk may take its time.
    for kill in faults.late_kills if place.has_small_disk else []:
        [(started, interval, last)] = place.rows(
            "SELECT started_ns, interval_ns, (SELECT max(time_ns) FROM samples s WHERE s.trial_id = t.trial_id) "
            f"FROM trials t WHERE trial_id = {kill.trial}")
        due = kill.time_ns - COMMIT_NS - interval - LATE_NS - kill.waited_ns
        if started and started < due and (last or 0) < due:
            yield (f"trial {kill.trial} began at {started}, its collector was killed at {kill.time_ns}, kept waiting for "
                   f"{kill.waited_ns} of it, and the last sample is of {last}")


def a_whole_trial_is_measured_to_its_end(place, faults):
    noted = place.noted()
    for trial, uid, started, ended, kinds, first, last in place.rows(
            "SELECT trial_id, uid, started_ns, ended_ns, group_concat(kind), min(time_ns), max(time_ns) "
            "FROM trials LEFT JOIN samples USING (trial_id) WHERE state = 'done' AND kind <> 'baseline' GROUP BY 1"):
        kinds = kinds.split(",")
        if kinds.count("start") != 1 or kinds.count("final") != 1 or not started <= first < last <= ended:
            yield f"trial {trial} ran from {started} to {ended} and was sampled {kinds} from {first} to {last}"
        elif uid in noted and last < noted[uid][-1][1] - SLACK_NS:
            yield f"trial {trial} was sampled until {last}, and its command still ran at {noted[uid][-1][1]}"


def footprints_are_as_known(place, faults):
    for trial, words, peak, source in place.rows(
            "SELECT trial_id, parameters, peak_rss_bytes, peak_source FROM trials JOIN trial_memory USING (trial_id) "
            "WHERE state = 'done'"):
        words = json.loads(words)["do"]
        private = int(re.search(r"private=(\d+)", words)[1])
        if re.search("grandchild|workers", words):
            continue
        # A sanitizer's collector is larger than the footprints, and wait4(2) begins with its memory: samples tell them,
        # if there is time for one.
        if peak is None:
            if not place.is_sanitized:
                yield f"trial {trial} took {private} MiB, and has no peak"
            continue
        is_told = private <= peak / 2**20 if source == "kernel" else place.is_sanitized and source == "samples"
        if not is_told or peak / 2**20 > private + FOREIGN_MIB:
            yield f"trial {trial} took {private} MiB, and its peak is said to be {peak / 2**20:.1f} MiB ({source})"


def training_is_not_harmed(place, faults):
    """A trial ends otherwise than well only where somebody killed its processes, or cancelled it."""
    for trial, uid, state, reason, sweep in place.rows(
            "SELECT trial_id, trials.uid, trials.state, reason, name FROM trials JOIN sweeps USING (sweep_id)"):
        touched = faults.touched.get(str(trial), set()) | faults.touched.get(uid, set())
        allowed = {"done"}
        allowed |= {"lost"} if "collector killed" in touched else set()
        allowed |= {"failed", "lost"} if "command killed" in touched else set()
        allowed |= {"cancelled"} if "cancelled" in touched or sweep in faults.cancelled_sweeps else set()
        if state not in allowed | {"queued", "running"}:
            yield f"trial {trial} is {state} ({reason}), and all that was done to it is {touched or 'nothing'}"


def counts_are_consistent(place, faults):
    for row in place.rows(
            "SELECT m.trial_id, m.tick_count, count(s.time_ns), m.avg_used_bytes, avg(s.used_bytes), "
            "m.max_used_bytes, max(s.used_bytes), m.avg_tree_rss_bytes, avg(s.tree_rss_bytes) FROM trial_memory m "
            "LEFT JOIN samples s ON s.trial_id = m.trial_id AND s.kind = 'tick' GROUP BY m.trial_id"):
        trial, *pairs = row
        for said, true in zip(pairs[::2], pairs[1::2]):
            if said != true and not (said and true and abs(said - true) < 1):
                yield f"trial_memory of trial {trial} is not what its samples say: {pairs}"
                break


TOTALS = ("sample_count", "used_count", "used_sum", "used_min", "used_max", "tree_rss_count", "tree_rss_sum",
          "tree_rss_max", "tree_pss_count", "tree_pss_sum")
SUMS = ("count(*)", "count(used_bytes)", "sum(used_bytes)", "min(used_bytes)", "max(used_bytes)",
        "count(tree_rss_bytes)", "sum(tree_rss_bytes)", "max(tree_rss_bytes)", "count(tree_pss_bytes)",
        "sum(tree_pss_bytes)")


def totals_equal_sums(place, faults):
    key = "trial_id, kind, phase"
    said = set(place.rows(f"SELECT {key}, {', '.join(TOTALS)} FROM memory_totals"))
    true = set(place.rows(f"SELECT trial_id, kind, coalesce(phase, '') AS phase, {', '.join(SUMS)} FROM samples "
                          f"GROUP BY 1, 2, 3"))
    for row in said ^ true:
        yield f"{'memory_totals' if row in said else 'samples'} alone say {row}"


def a_sweep_is_there_whole_or_not_at_all(place, faults):
    found = dict(place.rows("SELECT name, count(*) FROM sweeps JOIN trials USING (sweep_id) WHERE attempt = 1 GROUP BY 1"))
    for sweep, client in faults.submissions:
        count, wanted = found.pop(sweep["name"], 0), trials_of(sweep)
        if wanted and count != wanted and (count != 0 or client.returncode == 0):
            yield f"{sweep['name']} has {count} of {wanted} trials; its submission ended with {client.returncode}"
    if found:
        yield f"nobody submitted {found}"


def a_sweep_has_no_hole(place, faults):
    for row in place.rows("SELECT name, count(*), min(number), max(number) FROM sweeps JOIN trials USING (sweep_id) "
                          "WHERE attempt = 1 GROUP BY sweep_id HAVING min(number) <> 1 OR max(number) <> count(*)"):
        yield f"(name, trials, lowest and highest number) are {row}"


def a_paused_sweep_begins_nothing(place, faults):
    for trial, state in faults.begun_in_pauses:
        yield f"trial {trial} was {state}"


def the_database_is_whole(place, faults):
    for (problem,) in place.rows("PRAGMA integrity_check"):
        if problem != "ok":
            yield problem
    for row in place.rows("PRAGMA foreign_key_check"):
        yield f"a row refers to nothing: {row}"


def no_sanitizer_has_found_anything(place, faults):
    for path in place.logs() if place.is_sanitized else []:
        for report in re.finditer(r".*((ERROR|WARNING): \w+Sanitizer: |: runtime error: ).*", path.read_text(errors="replace")):
            yield f"{path.name}: {report[0]}"


def daemons_end_as_told(place, faults):
    """The last check: the daemon that lives still is told to end now."""
    faults.end_daemon()
    yield from faults.wrong_ends


PROMISES = (no_trial_is_stuck, none_runs_twice, retries_are_marked, nothing_of_an_old_tree_lives,
            nothing_is_left_lying_about, what_was_committed_is_there, a_sample_is_committed_within_a_second,
            a_whole_trial_is_measured_to_its_end, footprints_are_as_known, training_is_not_harmed, counts_are_consistent,
            totals_equal_sums, a_sweep_is_there_whole_or_not_at_all, a_sweep_has_no_hole, a_paused_sweep_begins_nothing,
            the_database_is_whole, no_sanitizer_has_found_anything, daemons_end_as_told)


def broken(place, faults):
    """One sentence for each breach. Afterwards no daemon runs."""
    return [f"{promise.__name__.replace('_', ' ')}: {breach}" for promise in PROMISES for breach in promise(place, faults)]
