from loadtest.measurement.connects import slowest_batch_ms

MS = 1_000_000


def test_a_batch_that_began_together() -> None:
    connects = [(number * MS, (100 + number) * MS) for number in range(20)]
    assert slowest_batch_ms(connects, 20) == 119.0


def test_connects_one_after_the_other_are_no_batch() -> None:
    assert slowest_batch_ms([(number * 10 * MS, (number * 10 + 5) * MS) for number in range(40)], 20) is None


def test_too_few() -> None:
    assert slowest_batch_ms([(0, 10)] * 19, 20) is None


def test_the_slowest_of_several_counts() -> None:
    quick = [(0, 10 * MS)] * 2
    slow = [(100 * MS, 150 * MS)] * 2
    assert slowest_batch_ms([*slow, *quick], 2) == 50.0


def test_the_slowest_stays_whatever_comes_after_it() -> None:
    slow = [(0, 50 * MS)] * 2
    quick = [(100 * MS, 110 * MS)] * 2
    assert slowest_batch_ms([*slow, *quick], 2) == 50.0


def test_the_last_of_a_batch_began_before_the_first_was_there() -> None:
    assert slowest_batch_ms([(0, 30), (10, 90), (30, 60)], 3) == 9e-05
    assert slowest_batch_ms([(0, 30), (10, 90), (31, 60)], 3) is None
