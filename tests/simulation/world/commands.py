"""Commands: a try, its answer or none, and the next try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.box import Box, Cmd
from tests.simulation.chain import Chain
from tests.simulation.machine import Died
from tests.simulation.mix import MINUTE, SECOND
from tests.simulation.world.boxes import Boxes


class Commands(Boxes):
    def __init__(self, seed: int, hours: float, mood: str | None, made: Chain) -> None:
        super().__init__(seed, hours, mood, made)
        self.commands = 0
        self.retries: list[tuple[int, Box, Cmd]] = []
        self.done: set[str] = set()

    def command(
        self, box: Box, name: str, args: dict[str, Any], person: str, *, device: str = "", **more: Any
    ) -> Cmd:
        self.commands += 1
        return Cmd(
            f"{box.code}-{self.step_no}-{self.commands}",
            name,
            args,
            person if person in ("till", "node") else f"{box.code}-{person}",
            device or f"{box.code}-pda-{person}",
            **more,
        )

    def do(self, box: Box, cmd: Cmd) -> Any:
        """One try of a command. The outcome when the person was told, else None and it is tried again."""
        if not box.awake or (self.chance(self.mix.no_wifi) and cmd.tries == 0):
            self._again(box, cmd)
            return None
        cmd.tries += 1
        answer: list[Any] = []

        def job(fate: str) -> list[bytes]:
            outcome, frames = box.perform(cmd, fate)
            answer.append(outcome)
            return frames

        before = box.commits
        try:
            stays = self.box_job(box, lambda fate: self._caught(job, fate, answer))
        finally:
            committed = box.commits > before
        outcome = answer[-1] if answer and committed else None
        if outcome is not None:
            self._hands(box, cmd, outcome)
        if not stays:
            self._again(box, cmd)
            return None
        assert outcome is not None
        why = "" if outcome.ok else f" refused {outcome.refusal.reason}"
        self.note(f"{box.code} {cmd.person} {cmd.name} {cmd.args}{why}")
        if outcome.ok:
            self.look()
            self.auditor.told(box.code, box.db, cmd.id, cmd.moves, cmd.name)
        else:
            self.reached[f"refused {outcome.refusal.reason}"] += 1
        if self.chance(self.mix.repeat_command):
            self.reached["command repeated"] += 1
            self._again(box, cmd)
        return outcome

    @staticmethod
    def _caught(job: Callable[[str], list[bytes]], fate: str, answer: list[Any]) -> list[bytes]:
        try:
            return job(fate)
        except Died as died:
            if died.committed and hasattr(died, "answer"):
                answer.append(died.answer)
            raise

    def _hands(self, box: Box, cmd: Cmd, outcome: Any) -> None:
        if cmd.id in self.done:
            return
        self.done.add(cmd.id)
        if outcome.ok:
            if cmd.done is not None:
                cmd.done(outcome.result)
        elif cmd.refused is not None:
            cmd.refused()

    def _again(self, box: Box, cmd: Cmd) -> None:
        if cmd.tries < 6:
            wait = self.roll.choice((SECOND, 20 * SECOND, 5 * MINUTE, 40 * MINUTE))
            self.retries.append((self.now + wait, box, cmd))

    def retry_due(self) -> None:
        due = [one for one in self.retries if one[0] <= self.now and one[1].awake]
        if due:
            self.retries = [one for one in self.retries if one not in due]
            for _, box, cmd in due:
                if not self.broken:
                    self.do(box, cmd)
