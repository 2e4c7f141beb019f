"""What disturbs a measurement is told; from trees like /proc and /sys, and from this machine."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.measure.machine_counters import MachineCounters
from pytest_modelbench.measure.machine_load import LoadSeen, MachineLoad

PID = 500


class Machine:
    """A tree like /proc and /sys of a machine with two processors."""

    def __init__(self, root: Path) -> None:
        self.proc, self.sys = root / "proc", root / "sys"
        self.ticks = dict.fromkeys(
            ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), 0
        )
        self.write("loadavg", "0.50 0.40 0.30 2/300 12345\n")
        self.process(PID, own=100)
        self.spend()

    def write(self, path: str, text: str, root: Path | None = None) -> None:
        file = (root or self.proc) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def write_sys(self, path: str, text: object) -> None:
        self.write(path, f"{text}\n", self.sys)

    def spend(self, **ticks: int) -> None:
        for name, more in ticks.items():
            self.ticks[name] += more
        words = " ".join(str(number) for number in self.ticks.values())
        # The last two, of guests, are already counted in the first two.
        self.write("stat", f"cpu  {words} 7 7\ncpu0 1 2\ncpu1 1 2\nintr 1 2 3\n")

    def process(self, pid: int, own: int = 0, ended: int = 0, children: str = "") -> None:
        zeros = " 0" * 9
        times = f"{own} 0 {ended} 0"
        self.write(f"{pid}/stat", f"{pid} (a ) b) S 1{zeros} {times} 20 0 1 0 99\n")
        self.write(f"{pid}/task/{pid}/children", children)

    def counters(self) -> MachineCounters:
        return MachineCounters(self.proc, self.sys, PID, processors=(0, 1))

    def load(self) -> MachineLoad:
        return MachineLoad(self.counters())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_shares_are_of_all_processor_time_and_our_own_is_not_others(machine: Machine) -> None:
    load = machine.load()
    with load:
        machine.process(PID, own=160)
        machine.spend(user=50, nice=10, system=25, softirq=5, idle=100, iowait=5, steal=5)
    seen = load.seen
    assert seen.steal_share == pytest.approx(5 / 200)
    assert seen.other_cpu_share == pytest.approx((90 - 60) / 200)
    assert seen.processors == 2
    assert (seen.load_average_start, seen.load_average_end) == (0.5, 0.5)


def test_descendants_are_not_others_alive_or_ended(machine: Machine) -> None:
    machine.process(PID, own=100, children="501 ")
    machine.process(501, own=10, children="502 ")
    machine.process(502, own=1)
    machine.process(503, own=0)  # a stranger
    load = machine.load()
    load.start()
    machine.process(PID, own=110, ended=30)  # 501 used 20 more and ended
    machine.process(PID, own=110, ended=31, children="504 ")
    machine.process(504, own=7)
    machine.process(503, own=50)
    machine.spend(user=87, idle=113)
    load.stop()
    # 10 of its own, 20 of the two that ended beyond what they had, 7 of the new one, 50 strange.
    assert load.seen.other_cpu_share == pytest.approx(50 / 200)


def test_parts_are_added_and_what_is_between_does_not_count(machine: Machine) -> None:
    load = machine.load()
    for others in (10, 30):
        with load:
            machine.spend(user=others, idle=100 - others)
        machine.spend(user=500, steal=500)
        machine.write("loadavg", "3.00 1 1 2/300 1\n")
    seen = load.seen
    assert seen.other_cpu_share == pytest.approx(40 / 200)
    assert seen.steal_share == 0
    assert (seen.load_average_start, seen.load_average_end) == (0.5, 3.0)


def test_what_the_system_does_not_say_is_none(tmp_path: Path) -> None:
    load = MachineLoad(MachineCounters(tmp_path, tmp_path, PID, processors=(0,)))
    with load:
        pass
    seen = load.seen
    unknown = replace(seen, seconds=0.0, processors=1, involuntary_context_switches=None)
    assert unknown == LoadSeen()
    assert seen.involuntary_context_switches is not None
    assert load.disturbances() == []


def test_before_anything_was_measured_all_is_unknown(machine: Machine) -> None:
    load = machine.load()
    assert load.seen == LoadSeen(processors=2)
    load.stop()
    assert load.seen == LoadSeen(processors=2)


def test_a_time_too_short_for_a_tick_has_no_shares(machine: Machine) -> None:
    load = machine.load()
    with load:
        pass
    assert load.seen.steal_share is None
    assert load.seen.other_cpu_share is None


def _frequency(machine: Machine, *megahertz: int) -> None:
    for number, value in enumerate(megahertz):
        machine.write_sys(f"devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq", value * 1000)


def test_the_frequency_is_that_of_the_fastest_processor(machine: Machine) -> None:
    _frequency(machine, 4000, 800)
    load = machine.load()
    load.start()
    _frequency(machine, 900, 3000)
    load.stop()
    seen = load.seen
    assert seen.frequency_mhz_start == 4000
    assert seen.frequency_mhz_min == 3000
    assert seen.frequency_mhz_mean == 3500
    assert load.disturbances() == ["the processor's frequency fell from 4000 to 3000 MHz"]


def test_a_processor_that_slept_between_two_parts_did_not_fall(machine: Machine) -> None:
    load = None
    for before in (4000, 800):
        _frequency(machine, before, 800)
        load = load or machine.load()
        load.start()
        _frequency(machine, 3900, 800)
        load.stop()
    assert load is not None
    assert load.seen.frequency_mhz_min == 3900
    assert load.disturbances() == []


def test_without_a_governor_the_frequency_is_that_of_cpuinfo(machine: Machine) -> None:
    machine.write("cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2600.5\n\ncpu MHz\t\t: 2599.0\n")
    load = machine.load()
    with load:
        pass
    assert load.seen.frequency_mhz_mean == 2600.5


def _throttles(machine: Machine, *core: int, package: int) -> None:
    for number, count in enumerate(core):
        folder = f"devices/system/cpu/cpu{number}"
        machine.write_sys(f"{folder}/topology/physical_package_id", 0)
        machine.write_sys(f"{folder}/thermal_throttle/core_throttle_count", count)
        machine.write_sys(f"{folder}/thermal_throttle/package_throttle_count", package)


def test_throttling_is_counted_once_for_each_core_and_each_package(machine: Machine) -> None:
    _throttles(machine, 5, 5, package=9)
    load = machine.load()
    load.start()
    _throttles(machine, 6, 7, package=13)
    load.stop()
    assert load.seen.thermal_throttle_count == 1 + 2 + 4
    assert load.disturbances() == ["processors were slowed down because of their heat (7 times)"]


@pytest.mark.parametrize(
    ("membership", "folder", "key", "unit"),
    [
        ("0::/app/case\n", "fs/cgroup/app", "throttled_usec", 1e6),
        ("0::/app/case\n", "fs/cgroup/app/case", "throttled_usec", 1e6),
        ("3:cpu,cpuacct:/app\n0::/\n", "fs/cgroup/cpu,cpuacct/app", "throttled_time", 1e9),
        ("3:cpu,cpuacct:/app\n", "fs/cgroup/cpu/app", "throttled_time", 1e9),
        # Inside a container: the host's path, and the container's own group mounted.
        ("0::/docker/0123\n", "fs/cgroup", "throttled_usec", 1e6),
        ("0::/../../other\n", "fs/cgroup", "throttled_usec", 1e6),
    ],
)
def test_a_quota_of_the_group_or_of_one_around_it_is_seen(
    machine: Machine, membership: str, folder: str, key: str, unit: float
) -> None:
    machine.write(f"{PID}/cgroup", membership)
    (machine.sys / folder / "case").mkdir(parents=True)

    def throttled(seconds: float) -> None:
        machine.write_sys(f"{folder}/cpu.stat", f"nr_periods 9\n{key} {int(seconds * unit)}")

    throttled(1)
    load = machine.load()
    load.start()
    throttled(1.25)
    load.stop()
    assert load.seen.quota_throttled_seconds == pytest.approx(0.25)
    assert load.disturbances() == [
        "the control group's processor quota stopped processes for 0.25 s"
    ]


def _calm(**changes: Any) -> LoadSeen:
    calm = LoadSeen(
        seconds=10.0,
        processors=4,
        load_average_start=9.0,
        load_average_end=9.0,
        steal_share=0.0,
        other_cpu_share=0.0,
        involuntary_context_switches=1_000_000,
        frequency_mhz_start=3000.0,
        frequency_mhz_min=2900.0,
        frequency_mhz_mean=2950.0,
        thermal_throttle_count=0,
        quota_throttled_seconds=0.0,
    )
    return replace(calm, **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"steal_share": 0.019}, []),
        ({"steal_share": 0.031}, ["the hypervisor gave 3.1% of the processor time away"]),
        ({"other_cpu_share": 0.024}, []),
        ({"other_cpu_share": 0.25}, ["other processes kept 1.00 of 4 processors busy"]),
        # 0.6 of 64 processors is what any large machine does; 1.3 is not.
        ({"other_cpu_share": 0.009, "processors": 64}, []),
        (
            {"other_cpu_share": 0.02, "processors": 64},
            ["other processes kept 1.28 of 64 processors busy"],
        ),
        # One tick in a short time is rounding.
        ({"other_cpu_share": 0.10, "seconds": 0.1}, []),
        ({"frequency_mhz_min": 2701.0}, []),
        (
            {"frequency_mhz_min": 2600.0},
            ["the processor's frequency fell from 3000 to 2600 MHz"],
        ),
    ],
)
def test_what_is_a_disturbance(changes: dict[str, Any], said: list[str]) -> None:
    assert _calm(**changes).disturbances() == said


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def _python(code: str) -> subprocess.Popen[str]:
    """A process that does `code` until its standard input closes."""
    head = (
        "import sys, threading\n"
        "ended = threading.Event()\n"
        "threading.Thread(target=lambda: (sys.stdin.read(), ended.set())).start()\n"
    )
    return subprocess.Popen([sys.executable, "-c", head + code], stdin=subprocess.PIPE, text=True)


@needs_linux
def test_on_this_machine_a_child_at_work_is_our_own() -> None:
    """And another's for a process that did not start it: here, for a child that only waits."""
    spin = _python("while not ended.is_set(): sum(range(1000))")
    wait = _python("ended.wait()")
    with spin, wait:
        ours, strangers = MachineCounters(), MachineCounters(pid=wait.pid)
        before = [counters.read().counters for counters in (ours, strangers)]
        deadline = time.monotonic() + 60
        while ours.read().counters["own"] < before[0]["own"] + 50:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        after = [counters.read().counters for counters in (ours, strangers)]
        for child in (spin, wait):
            child.communicate("", timeout=300)
    used = [end["own"] - begin["own"] for begin, end in zip(before, after, strict=True)]
    assert used[0] >= 50
    assert used[1] < 25  # it had to start


@needs_linux
def test_on_this_machine_everything_is_in_range() -> None:
    load = MachineLoad()
    with load:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            math.sqrt(2)
    seen = load.seen
    assert seen.seconds >= 0.1
    assert seen.processors >= 1
    assert seen.load_average_start is not None
    for share in (seen.steal_share, seen.other_cpu_share):
        assert share is not None
        assert 0 <= share <= 1
    assert seen.involuntary_context_switches is not None
