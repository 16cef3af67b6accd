"""Every stored number of metafor and its companions, recomputed; docs/validation.md is the result."""

import pytest
import validation
from tally import NAMES, SECTIONS

pytestmark = pytest.mark.slow


def test_every_stored_number_is_met_and_the_page_says_so():
    tally = validation.compare_all()
    assert not tally.failures, "\n".join(tally.failures[:50])
    sections = {section for section, _ in tally.counts}
    assert sections <= set(SECTIONS)
    assert {name for count in tally.counts.values() for name in count.sets} == set(NAMES)
    assert sum(count.compared for count in tally.counts.values()) > 300_000
    written = validation.PAGE.read_text(encoding="utf-8")
    fresh = validation.page(tally)
    assert validation.without_last_column(written) == validation.without_last_column(fresh), "make validation"
