"""Recomputes every stored number of the reference and writes docs/validation.md: `make validation`."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import tolerances
from tally import EXCEPTIONS, NAMES, SECTIONS, Tally, stored_numbers
from validation_cases import COMPARISONS

PAGE = Path(__file__).parent.parent / "docs" / "validation.md"
# What `make mutation` writes between its marks stays as it is.
MUTATION = re.compile("<!-- mutation: begin -->.*<!-- mutation: end -->\n", re.DOTALL)


def compare_all(names: list[str] | None = None) -> Tally:
    """Compares the named data sets (default: all)."""
    tally = Tally()
    for name in names or NAMES:
        for section, numbers in stored_numbers(name).items():
            tally.stored[section] = tally.stored.get(section, 0) + numbers
        for compare in COMPARISONS:
            compare(tally, name)
    return tally


def page(tally: Tally) -> str:
    """docs/validation.md. The last column depends on the machine's last digit; nothing else does."""
    rows = []
    for section, (what, _) in SECTIONS.items():
        counts = [c for (s, _), c in tally.counts.items() if s == section]
        compared = sum(c.compared for c in counts)
        if compared:
            relative, _ = tolerances.for_path(section + ".")
            worst = decade(max(c.worst for c in counts))
            rows.append(f"| {section} | {what} | {compared:,} | {tally.stored[section]:,} | {relative:g} | {worst} |")
    total, stored = sum(c.compared for c in tally.counts.values()), sum(tally.stored.values())
    left = [f"| {section} | {rest} |" for section, (_, rest) in SECTIONS.items() if rest]
    return "\n".join(
        [
            "# Validation against metafor",
            "",
            "Written by `make validation`, which recomputes every stored number; `tests/test_validation.py` does the",
            "same and fails when a number leaves its tolerance or this page is out of date. Reference: R 4.2.2,",
            "metafor 5.1.12, clubSandwich 0.6.0, bayesmeta 3.4 and meta 8.4.0 on",
            f"{len(NAMES)} public data sets of metadat 1.7.2 (`tests/data/README.md`). Likelihood fits there were",
            "converged far beyond the defaults of the packages.",
            "",
            "## What agrees",
            "",
            f"All of {total:,} compared numbers, of {stored:,} that are stored. A difference counts relative to the",
            "number, or to the scale of the effects where the number is near 0.",
            "",
            "| section | what | compared | stored | tolerance | largest difference below |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            *REASONS,
            "",
            *ADJUSTED,
            "",
            *JOINT,
            "",
            *DEPENDENCE,
            "",
            "## What does not, and why",
            "",
            "| set | section | numbers | why |",
            "|---|---|---|---|",
            *(f"| {key[0]} | {key[1]} | {count} | {EXCEPTIONS[key]} |" for key, count in tally.excepted.items()),
            "",
            "## What is not compared",
            "",
            "| section | what |",
            "|---|---|",
            *left,
            "",
            *kept(),
        ]
    )


def kept() -> list[str]:
    """The lines of the page that are somebody else's."""
    found = MUTATION.search(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else None
    return found[0].split("\n") if found else []


REASONS = (
    "Tolerances wider than 1e-7 are those of the reference: metafor's profile intervals stop at 1e-5 to 1e-4, its",
    "selection models at a gradient of 1e-4 where ours go on to 1e-9 (the likelihoods agree to 1e-9), and bayesmeta",
    "promises 5e-3. Effect sizes are compared with `escalc` in `tests/test_effectsizes.py`.",
)


ADJUSTED = (
    "## Estimates adjusted for bias",
    "",
    "What is in the table above (`hc`, `hc_tight`, `tes`, `uwls`, `selmodel`, `pet_peese`, the limit meta-analysis in",
    "`extras`), and what `tests/test_adjusted.py` compares besides:",
    "",
    "| what | reference | data sets | agreement |",
    "|---|---|---|---|",
    "| beta selection model, one and two sided | metafor 3.8-1 with its integrals taken to 1e-8, and its likelihood "
    "written down again in R (`tests/data/beta_selection.json`) | 5 fits of cohen1981, furukawa2003, craft2003; two "
    "more where metafor's BFGS stopped on a lower likelihood than ours | estimates 2e-5, likelihood 3e-8 |",
    "| the same | metafor 5.1.12 as it comes, integrals to 1e-4 | 7 of 10; refused here in two, where the likelihood "
    "rises until a power is 0 | 5e-3 |",
    "| p-uniform* | puniform, method ML | 25, but a limit of morris2008 that its search did not reach; hine1989 is "
    "refused (nothing significant) | 2e-4, its optimisers' tolerance |",
    "| p-curve: right skew, flatness of the full curve, binomial | dmetar's three decimals | those without z above 8, "
    "which it cuts | all decimals |",
    "| p-curve: flatness of the half curve | none: dmetar conditions otherwise. Standard normal under 33% power, by "
    "simulation | - | - |",
    "| WAAP | least squares written down again | 4 | 1e-10 |",
    "| PET-PEESE with CR2 | the regressions compared with clubSandwich (`mv`) | assink2016 | the same numbers |",
    "| correlation of an unmeasured cause (Frank 2000), E-value | the partial correlation by its definition; the "
    "printed example of VanderWeele and Ding (2017) | - | 1e-8; 2 decimals |",
    "| power (Hedges & Pigott 2001) | 20,000 simulated pools, and the formula by hand | - | four standard errors |",
)


JOINT = (
    "## Regressions on several moderators",
    "",
    "What `tests/test_joint.py` compares besides (`metareg` and `mv` above have one moderator or main effects alone):",
    "",
    "| what | reference | data sets | agreement |",
    "|---|---|---|---|",
    "| coefficients, tests of terms and of all, marginal means, predictions, VIF and GVIF, R2, residual "
    "heterogeneity; interaction, logarithm, polynomial, reference level | metafor 3.8-1, `rma` with four tests, "
    "REML and ML | 8 fits of raudenbush1985, molloy2014, colditz1994 | 1e-7 |",
    "| the same of dependent effects, CR2 | `rma.mv` and clubSandwich 0.5.8; between and within parts by hand | "
    "curtis1998, white2020, kalaian1996, tannersmith2016 | 1e-5: half of the digits of the optimisers' likelihood"
    " |",
    "| permutation of coefficients and of all | `permutest(exact = TRUE)` | the first seven of colditz1994, knha "
    "and z | the same shares |",
    "| permutation where samples have several effects | none; five effects by hand | - | - |",
    "| what formulas mean | formulaic | random formulas | the same columns |",
)


DEPENDENCE = (
    "## Dependence that is declared",
    "",
    "What `tests/test_correlated.py`, `test_crossed.py` and `test_working.py` compare with metafor 3.8-1 and",
    "clubSandwich 0.5.8 (`tests/data/dependence.R`), besides `mv` above:",
    "",
    "| what | reference | data sets | agreement |",
    "|---|---|---|---|",
    "| sampling covariance by what effects have in common and by time | `vcalc` with `type` and `obs`, with `time1` "
    "and `phi`, and with both | assink2016, ishak2007 | 1e-10 |",
    "| CHE under it, CR2 | `rma.mv`, `vcovCR` | the same | 1e-6: half of the digits of the optimiser's likelihood |",
    "| crossed random effects by REML and ML: variances, estimate, t interval, likelihood | `rma.mv` with a list of "
    'random effects, `dfs = "contain"` | knapp2017, konstantopoulos2011, crede2010, white2020 | 1e-6 absolute: '
    "the optimiser ends above a variance of 0 |",
    "| profile-likelihood intervals of their variances | `confint`; the likelihood written down again | the same, but "
    "three limits of white2020 that `confint` did not find; invented data | 1e-3: its root finder; 1e-5 |",
    "| working models side by side, CR2 | `rma`, `rma.mv`, `aggregate`, `vcovCR` | assink2016, tannersmith2016 | "
    "1e-6 |",
)


def decade(value: float) -> str:
    """The power of ten above a number, at least 1e-15."""
    return f"1e{max(-15, math.ceil(math.log10(value))):d}" if value > 0 else "1e-15"


def without_last_column(text: str) -> list[str]:
    """Lines of the page that are the same on every machine."""
    return [line.rsplit("|", 2)[0] if line.startswith("| ") else line for line in text.splitlines()]


if __name__ == "__main__":
    found = compare_all()
    PAGE.write_text(page(found), encoding="utf-8")
    for (section, label), count in sorted(found.counts.items(), key=lambda item: -item[1].worst)[:20]:
        print(f"{section:12s} {label:16s} {count.compared:7d} {count.worst:.1e} {count.where}")
    sys.exit("\n".join(found.failures))
