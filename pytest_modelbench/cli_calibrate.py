"""`modelbench calibrate`: what comparisons on this machine can tell, measured."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError

LAUNCHES = 10


def add_calibrate(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "calibrate", help="measure how much launches of the same code differ on this machine"
    )
    parser.add_argument(
        "suite", nargs="?", default="quickstart", help="whose first case is used (quickstart)"
    )
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="only models of this name"
    )
    parser.add_argument(
        "--device", action="append", default=[], metavar="DEVICE", help="instead of the suite's"
    )
    parser.add_argument(
        "--launches",
        type=_launches,
        default=LAUNCHES,
        metavar="N",
        help=f"how often the model is started anew ({LAUNCHES})",
    )
    parser.add_argument("--show", action="store_true", help="show what is known; measure nothing")
    parser.add_argument(
        "--reset", action="store_true", help="forget what is known, as if it had not been measured"
    )
    parser.set_defaults(command=_calibrate)


def _launches(text: str) -> int:
    if not text.isdecimal() or not 4 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number from 4 to 1000")
    return int(text)


def _calibrate(options: argparse.Namespace) -> int:
    from pytest_modelbench.calibration import (
        forget_calibration,
        save_calibration,
        saved_calibration,
    )

    if options.reset:
        print("forgotten" if forget_calibration() else "this machine is not calibrated")
        return 0
    if options.show:
        known = saved_calibration()
        print("this machine is not calibrated" if known is None else _described(known))
        return 0
    measuring = _Measuring(options.launches)
    said = _collect(options, measuring)
    if measuring.error is not None:
        raise measuring.error
    if measuring.calibrated is None:
        raise ModelbenchError(said or f"{options.suite}: there is no case to measure")
    calibrated = measuring.calibrated
    made, disturbed = calibrated.made, calibrated.disturbances
    print(_described(made))
    if disturbed:
        print(f"{len(disturbed)} of {made.launches} launches were disturbed ({disturbed[0]})")
    if not calibrated.is_plausible:
        raise ModelbenchError(
            "not saved: launches differ by so much where something else goes on, or calls are too "
            "short: try again on a quiet machine, with a longer model, or with more --launches"
        )
    print(f"saved to {save_calibration(made)}")
    return 0


def _described(made: Any) -> str:
    from functools import partial

    from pytest_modelbench.comparison.calibrate import smallest_detectable
    from pytest_modelbench.judge.launch_noise import LAUNCH_SD
    from pytest_modelbench.judge.wording import amount_text

    as_percent = partial(amount_text, is_relative=True)
    raised = "the usual one" if made.launch_floor <= LAUNCH_SD else "raised by this calibration"
    found = smallest_detectable(made.launch_floor, launches=6)
    return (
        f"{made.machine}: launches of {made.model} differ by {as_percent(made.between_launches)} "
        f"(standard deviation, {made.launches} launches of {made.blocks} blocks, "
        f"{made.timestamp})\n"
        f"launch floor {as_percent(made.launch_floor)} ({raised}); with 6 launches, a change of "
        f"{as_percent(found)} is detected in 8 of 10 cases"
    )


class _Measuring:
    """A plugin for a session that collects a suite: measures its first case that loads a model."""

    def __init__(self, launches: int) -> None:
        self.launches = launches
        self.calibrated: Any = None
        self.error: ModelbenchError | None = None

    def pytest_collection_finish(self, session: Any) -> None:
        from pytest_modelbench.collection import CaseItem, modelbench_session
        from pytest_modelbench.comparison.calibrate import calibrate

        cases = [item.case for item in session.items if isinstance(item, CaseItem)]
        if not cases:
            return
        loaded_here = [case for case in cases if case.load is None]
        if not loaded_here:
            self.error = ModelbenchError(
                f"{cases[0].suite_file}: every case asks an endpoint, and those have no launches "
                "that could differ: name a suite with a model that is loaded here"
            )
            return
        ours = modelbench_session(session.config)
        try:
            self.calibrated = calibrate(
                loaded_here[0].measured[0], self.launches, ours.extensions, ours.lock, _tell
            )
        except ModelbenchError as error:
            self.error = error


def _tell(line: str) -> None:
    print(line, file=sys.__stderr__, flush=True)


def _collect(options: argparse.Namespace, plugin: _Measuring) -> str:
    """Collect the suite as pytest would, conftests included; what pytest said."""
    import pytest

    arguments = [f"--suite={options.suite}", "--collect-only", "-q", "-p", "no:cacheprovider"]
    arguments += ["-c", os.devnull, f"--rootdir={Path.cwd()}"]
    arguments += [f"--suite-model={name}" for name in options.model]
    arguments += [f"--suite-device={name}" for name in options.device]
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        status = int(pytest.main(arguments, plugins=[plugin]))
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return "" if status == 0 else text.getvalue().strip()
