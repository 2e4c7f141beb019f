"""Memory by phase: as exact as the kernel for this process, with all that the process starts.

Each measurement has a fresh process, so that what other tests left behind is not in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.results.metric import Metric

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")

KERNEL = "kernel high-water mark"
PRELUDE = """
import json, os, signal, subprocess, sys, time
from pytest_modelbench.measure import ram
meter = ram.RamMeter()

def touch(megabytes):
    return bytearray(b"x") * (megabytes * 1_000_000)

def phase(name, action=lambda: None):
    meter.start(name)
    action()
    meter.stop(name)

def python(code):
    touching = "touch = lambda megabytes: bytearray(b'x') * (megabytes * 1_000_000)\\n"
    return [sys.executable, "-S", "-c", touching + code]

def watcher():
    import psutil
    (found,) = psutil.Process().children()
    return found

def fork(action):
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    os.waitpid(pid, 0)
"""
EPILOGUE = """
metrics = meter.metrics(1)
meter.close()
print(json.dumps({name: metric.model_dump(mode="json") for name, metric in metrics.items()}))
"""


def measure(code: str) -> dict[str, Metric]:
    process = subprocess.run(
        [sys.executable, "-c", PRELUDE + code + EPILOGUE],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    answer: dict[str, Any] = json.loads(process.stdout)
    return {name: Metric.model_validate(metric) for name, metric in answer.items()}


def value(metrics: dict[str, Metric], name: str) -> float:
    found = metrics[name].value
    assert found is not None, metrics[name]
    return found


@pytest.mark.parametrize("megabytes", [50, 500])
def test_a_buffer_that_is_freed_at_once_is_seen_to_one_percent(megabytes: int) -> None:
    seen = measure(f"phase('load'); phase('steady', lambda: touch({megabytes}))")
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(megabytes, rel=0.01)
    assert value(seen, "ram_increase_mb") == pytest.approx(megabytes, rel=0.01, abs=0.5)
    assert seen["steady_ram_increase_mb"].metadata["method"] == KERNEL
    assert seen["steady_ram_increase_mb"].metadata["scope"] == "this process"


def test_a_phase_does_not_see_the_peak_of_an_earlier_one() -> None:
    seen = measure("phase('load', lambda: touch(200)); phase('steady', lambda: touch(50))")
    assert value(seen, "load_ram_increase_mb") == pytest.approx(200, rel=0.01)
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(50, rel=0.01)
    assert value(seen, "peak_ram_mb") == value(seen, "load_peak_ram_mb")


def test_the_figures_fit_together() -> None:
    seen = measure(
        "held = []\n"
        "phase('load', lambda: held.append(touch(100)))\n"
        "phase('warmup', lambda: touch(300))\n"
        "phase('steady', lambda: touch(30))\n"
    )
    baseline, before = value(seen, "baseline_ram_mb"), seen["steady_peak_ram_mb"].metadata
    assert value(seen, "load_peak_ram_mb") - baseline == pytest.approx(
        value(seen, "load_ram_increase_mb")
    )
    assert value(seen, "peak_ram_mb") - baseline == pytest.approx(value(seen, "ram_increase_mb"))
    assert value(seen, "ram_increase_mb") == pytest.approx(400, rel=0.01)
    assert value(seen, "steady_peak_ram_mb") - before["before_mb"] == pytest.approx(
        value(seen, "steady_ram_increase_mb"), abs=0.001
    )
    assert before["before_mb"] == pytest.approx(baseline + 100, rel=0.02)
    assert before["baseline_mb"] == pytest.approx(baseline, abs=0.001)


def test_a_phase_in_parts_has_the_highest_peak_and_the_largest_increase() -> None:
    seen = measure(
        "phase('load')\n"
        "phase('steady', lambda: touch(150))\n"
        "held = touch(200)\n"
        "phase('steady', lambda: touch(50))\n"
    )
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(150, rel=0.01)
    assert value(seen, "ram_increase_mb") == pytest.approx(250, rel=0.01)


def test_a_later_case_of_the_same_model_keeps_its_load_and_says_so() -> None:
    seen = measure(
        "phase('load', lambda: touch(100)); phase('steady', lambda: touch(300))\n"
        "meter.forget_case()\n"
        "phase('steady', lambda: touch(20))\n"
    )
    assert value(seen, "load_ram_increase_mb") == pytest.approx(100, rel=0.01)
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(20, rel=0.02)
    assert value(seen, "peak_ram_mb") == value(seen, "load_peak_ram_mb")
    reused = {name for name, metric in seen.items() if metric.metadata.get("reused")}
    assert reused == set(seen) - {"steady_peak_ram_mb", "steady_ram_increase_mb"}


def test_a_phase_that_never_came_is_skipped_with_the_reason() -> None:
    seen = measure("phase('load')")
    assert seen["steady_peak_ram_mb"].error_message == "no timed calls were measured"
    seen = measure("phase('steady')")
    assert seen["ram_increase_mb"].error_message == "no loading was measured"
    assert seen["peak_ram_mb"].is_ok


def test_a_process_that_is_started_and_ends_within_the_phase_is_counted() -> None:
    seen = measure("phase('load'); phase('steady', lambda: subprocess.run(python('touch(300)')))")
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(300, rel=0.02)
    assert seen["steady_ram_increase_mb"].metadata["scope"] == "this process and 1 it started"


def test_a_process_started_by_a_started_process_is_counted() -> None:
    seen = measure(
        "inner = python('touch(300)')\n"
        "outer = python(f'import subprocess; subprocess.run({inner!r})')\n"
        "phase('load', lambda: subprocess.run(outer))"
    )
    # The outer one's imports are another 5 MB.
    assert value(seen, "load_ram_increase_mb") == pytest.approx(303, rel=0.02)
    assert seen["load_ram_increase_mb"].metadata["scope"] == "this process and 2 it started"


def test_the_pages_a_forked_process_shares_are_counted_once() -> None:
    seen = measure(
        "held = touch(300); phase('load'); phase('steady', lambda: fork(lambda: touch(200)))"
    )
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(200, rel=0.02)


def test_pages_that_a_forked_process_gives_back_were_never_its_own() -> None:
    seen = measure(
        "held = [touch(300)]\n"
        "def forked():\n"
        "    time.sleep(1.0)\n"
        "    held.clear()\n"
        "    time.sleep(0.2)\n"
        "phase('load'); phase('steady', lambda: fork(forked))"
    )
    assert value(seen, "steady_ram_increase_mb") < 20


def test_processes_at_the_same_time_are_added() -> None:
    seen = measure(
        "def both():\n"
        "    code = python('held = touch(100); print(1, flush=True); input()')\n"
        "    pipe = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}\n"
        "    started = [subprocess.Popen(code, **pipe) for _ in range(2)]\n"
        "    for one in started: one.stdout.readline()\n"
        "    time.sleep(0.2)\n"
        "    for one in started: one.communicate(b'\\n')\n"
        "phase('load', both)"
    )
    assert value(seen, "load_ram_increase_mb") == pytest.approx(203, rel=0.03)
    assert seen["load_ram_increase_mb"].metadata["scope"] == "this process and 2 it started"


def test_a_process_from_an_earlier_phase_counts_what_it_needs_now() -> None:
    seen = measure(
        'code = ("touch(200); held = touch(100)\\nprint(1, flush=True)\\ninput()\\n"\n'
        '        "touch(60)\\nprint(1, flush=True)\\ninput()")\n'
        "def begin():\n"
        "    global server\n"
        "    pipe = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}\n"
        "    server = subprocess.Popen(python(code), **pipe)\n"
        "    server.stdout.readline()\n"
        "    time.sleep(0.2)\n"
        "def ask():\n"
        "    server.stdin.write(b'\\n'); server.stdin.flush(); server.stdout.readline()\n"
        "    time.sleep(0.1)\n"
        "phase('load', begin)\n"
        "phase('warmup')\n"
        "phase('steady', ask)\n"
        "server.communicate(b'\\n')"
    )
    assert value(seen, "load_ram_increase_mb") == pytest.approx(203, rel=0.02)
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(60, rel=0.02)
    assert value(seen, "steady_peak_ram_mb") - value(seen, "baseline_ram_mb") == pytest.approx(
        163, rel=0.03
    )


def test_starting_small_programs_from_a_large_process_adds_next_to_nothing() -> None:
    """Until they run their program they are in the memory of the process that started them."""
    seen = measure(
        "held = touch(400); phase('load')\n"
        "phase('steady', lambda: [subprocess.run(['true']) for _ in range(60)])"
    )
    assert value(seen, "steady_ram_increase_mb") < 10


def test_a_process_that_has_not_yet_begun_its_program_is_not_counted(tmp_path: Path) -> None:
    """posix_spawn opens files between vfork and exec: here one that nobody writes to yet."""
    channel = tmp_path / "channel"
    os.mkfifo(channel)
    seen = measure(
        f"channel = {str(channel)!r}\n"
        "held = touch(400)\n"
        "writer = subprocess.Popen(['sh', '-c', 'sleep 0.5; : > ' + channel])\n"
        "def spawn():\n"
        "    opening = [(os.POSIX_SPAWN_OPEN, 0, channel, os.O_RDONLY, 0)]\n"
        "    os.waitpid(os.posix_spawn('/bin/true', ['true'], {}, file_actions=opening), 0)\n"
        "phase('load'); phase('steady', spawn); writer.wait()"
    )
    assert value(seen, "steady_ram_increase_mb") < 20


def test_a_process_that_no_look_fell_on_is_known_by_its_resource_usage() -> None:
    seen = measure(
        "phase('load'); meter.start('steady'); watcher().suspend()\n"
        "subprocess.run(python('touch(300)'))\n"
        "watcher().resume(); meter.stop('steady')"
    )
    # It may share all that its parent has: what is beyond is certain.
    baseline = value(seen, "baseline_ram_mb")
    assert value(seen, "steady_ram_increase_mb") >= 300 - baseline
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(310 - baseline, abs=12)
    assert seen["steady_ram_increase_mb"].metadata["scope"] == "this process and 1 it started"


def test_where_the_mark_cannot_be_reset_memory_is_sampled_and_says_how_often() -> None:
    seen = measure(
        "ram.reset_high_water = lambda: False\n"
        "def hold():\n"
        "    held = touch(200)\n"
        "    time.sleep(0.3)\n"
        "touch(400); phase('load'); phase('steady', hold)"
    )
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(200, rel=0.02)
    method = seen["steady_ram_increase_mb"].metadata["method"]
    words, _, at_most = method.partition(", ")
    assert float(words.removeprefix("sampled every ").removesuffix(" ms")) >= 1.9
    assert float(at_most.removesuffix(" ms apart at most")) >= 2


def test_when_the_watcher_dies_this_process_is_still_measured_and_the_metric_says_so() -> None:
    seen = measure(
        "phase('load')\nmeter.start('steady'); touch(100); watcher().kill(); meter.stop('steady')"
    )
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(100, rel=0.01)
    notes = seen["steady_ram_increase_mb"].metadata
    assert notes["children"] == "not counted: the process that watches has ended"
    assert notes["method"] == KERNEL
    assert "children" not in seen["load_peak_ram_mb"].metadata


def test_a_watcher_that_died_is_replaced_in_the_next_phase() -> None:
    seen = measure(
        "meter.start('load'); watcher().kill(); meter.stop('load')\n"
        "phase('steady', lambda: subprocess.run(python('touch(300)')))"
    )
    assert value(seen, "steady_ram_increase_mb") == pytest.approx(300, rel=0.02)
    assert "children" not in seen["steady_peak_ram_mb"].metadata


def test_without_a_watcher_this_process_is_measured_and_the_reason_given() -> None:
    seen = measure("sys.executable = '/nowhere/python'; phase('load', lambda: touch(100))")
    assert value(seen, "load_ram_increase_mb") == pytest.approx(100, rel=0.01)
    reason = seen["load_peak_ram_mb"].metadata["children"]
    assert reason.startswith("not counted: a process that watches could not be started")


def test_neither_a_mark_nor_a_watcher_leaves_two_looks() -> None:
    seen = measure(
        "ram.reset_high_water = lambda: False; sys.executable = '/nowhere/python'\n"
        "held = []; phase('load', lambda: held.append(touch(100)))"
    )
    assert value(seen, "load_ram_increase_mb") == pytest.approx(100, rel=0.01)
    assert seen["load_peak_ram_mb"].metadata["method"] == (
        "sampled when it started and when it ended"
    )


def test_no_thread_and_no_process_is_left_behind() -> None:
    measure(
        "import threading\n"
        "phase('load')\n"
        "assert threading.active_count() == 1\n"
        "left = watcher(); meter.close(); meter.close()\n"
        "assert not left.is_running()"
    )
