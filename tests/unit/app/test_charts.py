from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.charts import MOST_TICKS, round_step


@given(st.integers(0, 10**16))
def test_an_axis_has_few_round_steps(highest: int) -> None:
    step = round_step(highest)
    assert step * MOST_TICKS >= highest
    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert step == 1 or step * 2 < highest * 2.5
