"""What one round is: its first sweep and what is done while it runs, all of it drawn from the round's seed."""
import math
from dataclasses import dataclass

ROLES = ("daemon", "collector", "command")
WEIGHTS = {"kill": 5, "stop": 2, "fill": 2, "lock": 2, "starve": 1, "terminate": 1, "cancel": 1, "submit": 1, "pause": 1,
           "endless": 0.5}
LATE_KILLS = 0.02  # of all rounds: they take some seconds each


@dataclass
class Step:
    at: float  # seconds after the first sweep was submitted
    action: str
    roles: tuple = ()
    seconds: float = 0  # how long it lasts; of a killed daemon: how long it stays away
    sweep: dict = None  # what is submitted


def draw_round(random, actions, footprint):
    """(the first sweep, the steps)."""
    if "kill" in actions and random.random() < LATE_KILLS:
        return draw_late_kill(random, footprint)
    steps = draw_steps(random, actions, footprint)
    return draw_sweep(random, "sweep-1", footprint), steps


def draw_command(random):
    """footprint's words: private memory of a known size, for 20 to 120 ms, at times with more processes."""
    words = ["note=1", f"private={random.choice([6, 8, 12])}", *random.choices(["", "grandchild=1", "workers=2"], [7, 2, 1])]
    return " ".join([*words, f"sleep={random.randint(20, 120)}", "note=2"])


def sweep_of(name, footprint, trials, settings):
    """A sweep file, but for its method; JSON is YAML. `trials`: a key of it with its value."""
    return {"name": name, "command": ["sh", "-c", f"exec {footprint} ${{1#*=}}", "sh", "${args_no_hyphens}"],
            **trials, "memtrack": settings}


def draw_sweep(random, name, footprint, is_endless=False):
    settings = {"interval": random.choice(["1ms", "5ms", "20ms"])}
    if random.random() < 0.2:
        settings |= {"settle": "10ms", "baseline": "20ms"}
    settings |= {"retries": random.choices([0, 1], [4, 1])[0], "jobs": random.choices([1, 2], [3, 1])[0]}
    commands = [draw_command(random) for _ in range(random.randint(1, 5))]
    if is_endless or random.random() < 0.2:
        # No two trials are the same.
        trials = {"method": "random", "parameters": {"do": {"values": commands}, "mark": {"min": 1, "max": 10**9}}}
        trials |= {} if is_endless else {"run_cap": len(commands)}
    else:
        trials = {"method": "list", "trials": [{"do": command} for command in commands]}
    return sweep_of(name, footprint, trials, settings)


def trials_of(sweep):
    """How many it has, retries aside. None: it has no end."""
    return len(sweep["trials"]) if sweep["method"] == "list" else sweep.get("run_cap")


def draw_seconds(random):
    """Of a fault; a few last long."""
    return random.uniform(0.01, 0.3) if random.random() < 0.96 else math.exp(random.uniform(math.log(0.3), math.log(2)))


def draw_steps(random, actions, footprint):
    steps = []
    weights = [WEIGHTS[action] for action in actions]
    for number in range(random.randint(1, 6)):
        step = Step(random.uniform(0, 0.6), random.choices(actions, weights)[0], seconds=draw_seconds(random))
        if step.action == "kill":
            step.roles = random.choice([*((role,) for role in ROLES), ROLES[:2], ROLES[1:], ROLES])
        elif step.action == "stop":
            step.roles = random.choice([*((role,) for role in ROLES), ROLES])
        elif step.action in ("submit", "endless"):
            step.sweep = draw_sweep(random, f"sweep-{number + 2}", footprint, step.action == "endless")
        steps.append(step)
    return sorted(steps, key=lambda step: step.at)


def draw_late_kill(random, footprint):
    """A collector that is killed when its trial has run for some seconds: all but the last of them are committed. What
    is done to the daemon meanwhile changes nothing."""
    settings = {"interval": random.choice(["1ms", "5ms", "20ms"])}
    trials = {"method": "list", "trials": [{"do": "note=1 private=8 sleep=6000 note=2"}]}
    steps = [Step(random.uniform(0.1, 0.5), "kill_late", seconds=random.uniform(2.5, 4))]
    if random.random() < 0.3:
        steps.append(Step(random.uniform(0.5, 2), "kill", ("daemon",), draw_seconds(random)))
    return sweep_of("sweep-1", footprint, trials, settings), steps
