import gc

from run.gc_pauses import GcPauses


def test_collections_are_noted_between_start_and_stop() -> None:
    before = list(gc.callbacks)
    pauses = GcPauses()
    pauses.start()
    pauses.start()
    garbage = [[] for _ in range(100_000)]
    garbage.append(garbage)
    pauses.take_us()
    gc.collect()
    (pause_us,) = pauses.take_us()
    assert pause_us > 0
    pauses.stop()
    gc.collect()
    assert not pauses.take_us()
    assert gc.callbacks == before
