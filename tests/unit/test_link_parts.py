"""The small parts of the link: codec, clock bounds, pacing, back-off, relations."""

from __future__ import annotations

import random
import zlib

import msgspec
import pytest

from sync.agent.backoff import Backoff
from sync.link.clock import FAR_MS, LinkClock, Reading
from sync.link.pacing import AdaptiveWindow
from sync.link.relate import Relation, relate
from sync.wire import codec, frames
from sync.wire.chain import EMPTY, next_chain


def test_a_batch_is_deflated_and_comes_back_byte_by_byte() -> None:
    raws = tuple(msgspec.Raw(b'{"k":"sold","n":%d}' % n) for n in range(200))
    data = codec.encode(frames.Facts(n=1, i=raws, h="0" * 16))
    assert data[:1] == b"z"
    frame = codec.decode(data)
    assert isinstance(frame, frames.Facts)
    assert [bytes(one) for one in frame.i] == [bytes(one) for one in raws]


def test_a_deflate_bomb_and_nonsense_are_trouble_and_an_unknown_frame_is_not() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"z" + packer.compress(b" " * 100_000_000) + packer.flush()
    assert len(bomb) < frames.MAX_FRAME_BYTES
    for bad in (bomb, b"z123", b"", b"{}", b"[" * 50_000, b"\xff\xfe", b"x" * (frames.MAX_FRAME_BYTES + 1)):
        with pytest.raises(codec.WireTrouble):
            codec.decode(bad)
    assert codec.decode(b'{"f":"a newer thing","x":1}') == codec.Unknown("a newer thing")


def test_the_centre_s_time_lies_between_the_bounds_whatever_the_line_does() -> None:
    rng = random.Random(4)
    for _ in range(200):
        clock, mono, centre = LinkClock(), 5_000, 1_795_335_600_000
        for _ in range(20):
            up, down = rng.randrange(3_000), rng.randrange(3_000)
            asked = mono
            clock.heard(asked, Reading(mono + up + down, 0, "b"), centre + up)
            mono, centre = mono + up + down, centre + up + down
            wait = rng.randrange(100_000)
            # The machine's clock drifts a little against the centre's.
            mono, centre = mono + wait, centre + wait * (2_000 + rng.choice((-1, 0, 1))) // 2_000
            moment = clock.moment(Reading(mono, 0, "b"))
            assert moment.earliest <= centre <= moment.latest


def test_suspended_time_a_jump_and_a_reboot_make_every_judgement_the_safe_one() -> None:
    clock = LinkClock()
    clock.heard(1_000, Reading(1_100, 50_000, "b"), 1_000_000)
    assert clock.moment(Reading(601_100, 650_000, "b")).latest == pytest.approx(1_600_700, abs=1_000)
    # The wall clock went on by two hours more than the machine counted: time may have passed.
    assert clock.moment(Reading(1_100, 50_000 + 7_200_000, "b")).latest >= 1_000_000 + 7_200_000
    # Set back: nothing is given back.
    assert clock.moment(Reading(601_100, -9_000_000, "b")).earliest >= 1_599_000
    rebooted = LinkClock(clock.save()).moment(Reading(10, 40_000, "another boot"))
    assert rebooted.earliest == 1_000_000
    assert rebooted.now >= 1_000_000
    assert rebooted.latest >= 1_000_000 + FAR_MS - 1
    # The same boot after a restart of the program goes on as if nothing had been.
    assert LinkClock(clock.save()).moment(Reading(1_100, 50_000, "b")) == clock.moment(
        Reading(1_100, 50_000, "b")
    )


def test_back_off_doubles_under_a_cap_and_a_handshake_alone_does_not_reset_it() -> None:
    top = Backoff(1.0, 120.0, lambda n: b"\xff" * n)
    waits = [top.next_s() for _ in range(10)]
    assert [round(one) for one in waits] == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]
    top.ended(59_999, 5)
    top.ended(120_000, 0)
    assert round(top.next_s()) == 120
    top.ended(60_000, 1)
    assert round(top.next_s()) == 1
    assert Backoff(1.0, 120.0, lambda n: b"\x00" * n).next_s(30.0, 60.0) == 30.0


def test_a_bulk_window_grows_on_a_fast_line_and_shrinks_on_a_slow_one() -> None:
    window = AdaptiveWindow()
    first = window.limit
    for n in range(1, 10):
        window.sent(n, 10_000, 1_000 * n)
        window.answered(n, 1_000 * n + 50)
    assert window.limit == AdaptiveWindow.LARGEST > first
    for n in range(10, 30):
        window.sent(n, 10_000, 10_000 * n)
        window.answered(n, 10_000 * n + 5_000)
    assert window.limit == AdaptiveWindow.SMALLEST
    assert window.under_way == 0


def chain_of(items: list[bytes]) -> list[str]:
    chain = [EMPTY]
    for raw in items:
        chain.append(next_chain(chain[-1], raw))
    return chain


def test_the_place_where_two_logs_part_is_found_exactly_from_chains_alone() -> None:
    rng = random.Random(9)
    for _ in range(300):
        common = rng.randrange(0, 400)
        shared = [b"s%d" % n for n in range(common)]
        ours = chain_of(shared + [b"o%d" % n for n in range(rng.randrange(0, 300))])
        theirs = chain_of(shared + [b"t%d" % n for n in range(rng.randrange(0, 300))])
        head, applied = len(theirs) - 1, len(ours) - 1
        checks = {head: theirs[head]} if head else {}
        for _ in range(40):
            found = relate(
                head=head, floor=0, checks=checks, applied=applied,
                chain_at=lambda n: ours[n] if n < len(ours) else None,  # noqa: B023 - asked within the round
            )  # fmt: skip
            if found.kind != "ask":
                break
            assert len(found.ask) <= 130
            checks |= {n: theirs[n] for n in found.ask}
        else:
            raise AssertionError("it never stops asking")
        if head >= applied and applied == common:
            assert found == Relation("follows", applied)
        else:
            assert found == Relation("parted" if head >= applied else "behind", common)
