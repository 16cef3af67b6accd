"""What the words of a foreign table say: directions, kinds of score, totals, outcomes of which one side is better."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from synthesis.data.foreign.cells import DASHES, is_nothing
from synthesis.data.foreign.header import loose

Side = Literal["larger", "smaller"]
SIDES: tuple[Side, ...] = ("larger", "smaller")

# Which values of the outcome are better, as tables say it; read without case and punctuation.
_LARGER = (
    "larger", "higher", "greater", "more", "up", "upward", "increase", "increases", "increasing", "positive", "pos",
    "bigger", "better when higher", "benefit", "hoher", "h\u00f6her", "gr\u00f6\u00dfer", "plus", "high is better",
    "more is better",
)  # fmt: skip
_SMALLER = (
    "smaller", "lower", "less", "fewer", "down", "downward", "decrease", "decreases", "decreasing", "negative", "neg",
    "worse when higher", "harm", "niedriger", "kleiner", "minus", "low is better", "less is better", "reversed",
    "reverse",
)  # fmt: skip
_SIGNS = {"1": "1", "+1": "1", "1.0": "1", "+": "1", "-1": "-1", "-1.0": "-1", "\u22121": "-1", "-": "-1",
          "\u2191": "1", "\u2193": "-1"}  # fmt: skip
_ABOUT_DIRECTION = re.compile(
    r"\b(direction|dir|richtung|sens|direcci\u00f3n|better|higher|lower|larger|smaller|reversed?|reverse coded|polarity|"
    r"orientation|good|desirable)\b"
)
# Names of columns that say it whatever their words are, and of those that hold the sign of a finding.
_NAMED_DIRECTION = re.compile(
    r"((scale|outcome|score|measure|item) )?(direction|polarity|dir|richtung)( of (the )?(scale|outcome|score))?"
)
_NAMED_SIGN = re.compile(
    r"signs?( of .*)?|vorzeichen|signe|signo|segno|findings?|associations?|result direction|"
    r"(direction|sign) of (the )?(effect|finding|association|correlation|r|result|relationship)|"
    r"(effect|finding|association|correlation|r) (direction|sign)"
)
_KINDS_OF_WORDS = 4
# Columns that name the arm that did better.
_NAMED_BETTER = re.compile(
    r"(better|best|winner|superior|results?|findings?|in favou?r of|who .*)( (arm|group|condition))?"
)
_ARM_WORDS = frozenset([
    "treatment", "treated", "intervention", "experimental", "active", "therapy", "tx", "control", "controls", "comparison",
    "comparator", "placebo", "wait list", "waitlist", "usual care", "tau", "neither", "none", "both", "equal", "no difference",
])  # fmt: skip
_TRUTHS = {"true", "false", "yes", "no", "y", "n", "0", "1", "t", "f"}

_FINAL = (
    "final", "final value", "final values", "final score", "final scores", "post", "post score", "post test",
    "posttest", "post treatment", "post intervention", "postintervention", "posttreatment", "endpoint", "end point",
    "end of treatment", "follow up", "followup", "raw", "absolute",
)  # fmt: skip
_CHANGE = (
    "change", "changes", "change score", "change scores", "change from baseline", "mean change", "cfb", "gain",
    "gain score", "gain scores", "difference from baseline", "delta", "diff", "pre post", "pre post change",
)  # fmt: skip

# What decides a number, as tables say it: sides of a test, and the SD that a change was divided by.
CODES: dict[str, dict[str, tuple[str, ...]]] = {
    "p_sides": {
        "1": ("1", "one", "one sided", "1 sided", "one tailed", "1 tailed", "einseitig"),
        "2": ("2", "two", "two sided", "2 sided", "two tailed", "2 tailed", "zweiseitig"),
    },
    "standardized_by": {
        "baseline": ("baseline", "pre", "before", "pretest", "pre test", "baseline sd", "sd baseline", "pre sd", "sd pre"),
        "change": ("change", "changes", "change score", "change scores", "difference", "gain", "change sd", "sd change"),
    },
}  # fmt: skip

_TOTAL = re.compile(
    r"((sub|grand )?totals?|subtotals?|summary|overall|pooled|combined|heterogeneity|tests? (for|of)|"
    r"((weighted|grand|overall|pooled|unweighted) )?(mean|average|median)s?|sums?|all (studies|trials|samples|comparisons)|"
    r"(random|fixed|common|mixed) effects?|(re|fe|ce) model|prediction interval|95 (ci|pi|cri)|i 2|i2|i\u00b2|tau2?|tau\u00b2|"
    r"insgesamt|gesamt|gesamtergebnis|gesamteffekt|gesamtzahl|gesamtsumme|zwischensumme|summe|mittelwert|mittel|"
    r"durchschnitt|meta analys[ei]s?|diamond|diamant|alle|all|tous|toutes|todos|todas|tutti|efecto|effet|effetto|efeito|"
    r"resumen|synth\u00e8se|\u03c3|\u00f8|[nk] \d+ (studies|trials|samples|studien)|"
    r"somme|ensemble(?! (study|trial))|moyenne|sous total|suma|promedio|media|m\u00e9dia|somma|totale|subtotale|totaal|(eind|sub)totaal|"
    r"gemiddelde|totalt|i alt|sammanlagt|samlet|medelv\u00e4rde|summa|gennemsnit|yhteens\u00e4|razem|\u0142\u0105cznie|\u015brednia|"
    r"celkem|pr\u016fm\u011br|\u00f6sszesen|\u00e1tlag|toplam|ortalama|\u0438\u0442\u043e\u0433\u043e|\u0432\u0441\u0435\u0433\u043e|"
    r"\u0441\u0440\u0435\u0434\u043d\u0435\u0435|\u03c3\u03cd\u03bd\u03bf\u03bb\u03bf|\u5408\u8a08|\u5408\u8ba1|\u603b\u8ba1|\u5c0f\u8ba1|\u5c0f\u8a08|"
    r"\u7dcf\u8a08|\u5e73\u5747|\uc804\uccb4|\ud569\uacc4|\u05e1\u05d4 \u05db|\u05e1\u05d4\u05f4\u05db|\u0627\u0644\u0645\u062c\u0645\u0648\u0639)"
    r"\b(?P<rest>.*)"
)
_AFTER_TOTAL = frozenset(
    [
        "95",
        "99",
        "ci",
        "pi",
        "effect",
        "effects",
        "size",
        "sizes",
        "estimate",
        "estimates",
        "event",
        "events",
        "model",
        "of",
        "the",
        "all",
        "k",
        "n",
        "i2",
        "i²",
        "i",
        "squared",
        "tau2",
        "tau²",
        "tau",
        "q",
        "p",
        "df",
        "chi2",
        "chi²",
        "chi",
        "z",
        "2",
        "for",
        "in",
        "and",
        "across",
        "random",
        "fixed",
        "common",
        "mixed",
        "re",
        "fe",
        "ce",
        "reml",
        "dl",
        "hksj",
        "iv",
        "m",
        "h",
        "studies",
        "study",
        "trials",
        "trial",
        "samples",
        "comparisons",
        "outcomes",
        "groups",
        "group",
        "patients",
        "participants",
        "people",
        "weighted",
        "unweighted",
        "mean",
        "average",
        "total",
        "subtotal",
        "overall",
        "summary",
        "pooled",
        "result",
        "results",
        "score",
        "scores",
        "sd",
        "se",
        "or",
        "rr",
        "rd",
        "g",
        "d",
        "r",
        "smd",
        "md",
        "heterogeneity",
        "subgroup",
        "differences",
        "difference",
        "test",
        "with",
        "as",
        "by",
        "g\u00e9n\u00e9ral",
        "g\u00e9n\u00e9rale",
        "general",
        "geral",
        "generale",
        "global",
        "der",
        "aller",
        "studien",
        "des",
        "de",
        "los",
        "dos",
        "\u00e9tudes",
        "estudios",
        "estudos",
        "studi",
        "degli",
        "ponderata",
        "ponderada",
        "pond\u00e9r\u00e9e",
        "gewichtet",
        "effekt",
        "effet",
        "efecto",
        "efeito",
        "combinado",
        "combin\u00e9",
        "complessivo",
        "complessiva",
        "ponderado",
        "pond\u00e9r\u00e9",
        "kombiniert",
        "ki",
        "ic",
        "les",
        "las",
        "i",
        "gli",
    ]
)
_YEAR = re.compile(r"\b(1[89]|20)\d\d")

_USUALLY_SMALLER = re.compile(
    r"\b(depress\w*|anxi\w*|bdi\w*|phq\w*|hrsd\w*|ham ?d\w*|hdrs\w*|ces ?d\w*|madrs\w*|gad ?7?|stai\w*|bai|ptsd\w*|ptss\w*|"
    r"caps ?5?|pcl\w*|ies ?r?|scl ?\d*\w*|bsi|gsi|symptoms?|severity|distress\w*|pain|insomnia|isi|y ?bocs\w*|ocd|panic|"
    r"worr(y|ies)|pswq|stress|suicid\w*|burn ?out|anger|hamilton\w*|fatigue|lonel\w*|lsas|spin|phobi\w*|relaps\w*|"
    r"recidiv\w*|re ?offend\w*|drop ?outs?|mortality|deaths?|grief|core om|oq ?45\w*|hopeless\w*|disability|impairment|"
    r"problems?|deteriorat\w*)\b"
)
_USUALLY_LARGER = re.compile(
    r"\b(quality of life|qol\w*|whoqol\w*|eq ?5d\w*|sf ?(12|36|6d)\w*|functioning|function|well ?being|who ?5|swls|"
    r"life satisfaction|satisfaction|self ?esteem|self ?efficacy|resilience|remission|remitted|response|responders?|"
    r"recover\w*|mindfulness|social support|gaf|abstinen\w*|coping|hope|happiness|positive affect|vitality|warwick\w*|"
    r"wemwbs|lebensqualit\w*|employment|attendance|completion)\b"
)
_OF_OUTCOMES = {"outcome", "outcomes", "scale", "measure", "instrument", "outcome measure", "outcome name", "endpoint"}


def direction(text: str) -> str | None:
    """1 or -1 for words or signs that say which values are better; None for others."""
    if text.strip() in _SIGNS:
        return _SIGNS[text.strip()]
    words = re.sub(r"^(scores? |values? )?(is |are )?|( (values?|scores?|numbers?))?( (is|are|means?|indicates?|equals?))?( "
                   r"(better|good|improvement|favou?rable|improved))?( outcomes?)?( ist besser)?$", "", loose(text))  # fmt: skip
    words = words or loose(text)
    if words in _LARGER or loose(text) in _LARGER:
        return "1"
    return "-1" if words in _SMALLER or loose(text) in _SMALLER else None


def speaks_of_direction(name: str, cells: Iterable[str]) -> bool:
    """Whether a column says which values are better: by all of its words, or by its name and its signs or truths."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return False
    if _NAMED_DIRECTION.fullmatch(loose(name)) and len(set(filled)) <= _KINDS_OF_WORDS:
        return True
    about = _ABOUT_DIRECTION.search(loose(name)) is not None
    words = [cell for cell in filled if cell.strip() not in _SIGNS]
    if words and all(direction(cell) for cell in filled):
        # "positive" and "negative" are said of findings, valences and tests, too, but of one thing at a time.
        return about or len(filled) > 1
    return about and all(cell.strip() in _SIGNS or cell.casefold() in _TRUTHS for cell in filled)


def signs_of_findings(name: str, cells: Sequence[str]) -> list[str] | None:
    """1, -1 or nothing for each cell of a column that says, by its name, which sign a finding has; None of others."""
    if not _NAMED_SIGN.fullmatch(loose(name)):
        return None
    signs = [direction(cell) or ("-1" if cell in DASHES else "") for cell in cells]
    return signs if any(signs) and all(sign or not cell for sign, cell in zip(signs, cells, strict=True)) else None


def speaks_of_favour(name: str, cells: Iterable[str]) -> bool:
    """Whether a column says whom each finding favours: by its name, or by all of its words."""
    filled = [loose(cell) for cell in cells if cell]
    if not filled:
        return False
    if _NAMED_BETTER.fullmatch(loose(name)) and all(cell in _ARM_WORDS for cell in filled):
        return True
    return re.match(r"favou?r", loose(name)) is not None or all(
        re.match(r"favou?r(s|ed|ing)?\b", cell) for cell in filled
    )


def code(column: str, text: str) -> str | None:
    """The code for the words of a cell of a column of `CODES`; None for other words."""
    words = loose(text)
    return next((code for code, names in CODES[column].items() if words in names), None)


def score_kind(text: str) -> str | None:
    """mean_sd for final values, change_sd for change scores; None for other words."""
    words = loose(text)
    return "mean_sd" if words in _FINAL else "change_sd" if words in _CHANGE else None


def kinds_of_score(cells: Iterable[str]) -> set[str]:
    """The kinds of score that a column speaks of; none where a cell says something else."""
    kinds = [score_kind(cell) for cell in cells if cell]
    return {kind for kind in kinds if kind} if all(kinds) else set()


def is_total(name: str) -> bool:
    """Whether what names a row names a pooled result or a sum rather than a study: "Total (95% CI)", "Overall"."""
    total = _TOTAL.fullmatch(loose(name))
    if total is None or _YEAR.search(name) or "&" in name:
        return False
    return all(word in _AFTER_TOTAL or word.isdigit() for word in total["rest"].split())


def looks_like_total(name: str) -> bool:
    """Whether a study begins with a word that totals begin with: worth a word."""
    return _TOTAL.fullmatch(loose(name)) is not None and not is_total(name)


def usual_side(outcome: str) -> Side | None:
    """Which values of an outcome are usually better for the patient; None where its name does not say."""
    words = loose(outcome)
    smaller, larger = _USUALLY_SMALLER.search(words), _USUALLY_LARGER.search(words)
    if (smaller is None) == (larger is None):
        return None
    return "smaller" if smaller else "larger"


def names_outcomes(name: str) -> bool:
    """Whether a column's name says that it holds outcomes."""
    return loose(name) in _OF_OUTCOMES


_DESIGN_EFFECT = re.compile(
    r"deff|design effect|designeffect|icc|intra ?(cluster|class) correlation.*|eff(ective)? ?(n|sample size|ss)\b.*|n ?eff\b.*|ess\b.*"
)
_VARIANCE = re.compile(
    r"vi|v|var|variance|sampling variance|var(iance)? ?(yi|y|g|d|r|z|es|effect|smd|lnor|logor)|v(g|d|z|yi)|vg|"
    r"(yi|y|g|d|r|z|es|effect|smd|lnor|logor) ?var(iance)?"
)
_STANDARD_ERROR = re.compile(
    r"se|sei|se ?te|seyi|std ?err(or)?|standard error|se ?(yi|y|g|d|r|z|es|effect|smd|lnor|logor|te)|"
    r"(yi|y|g|d|r|z|es|effect|smd|lnor|logor) ?se|s e"
)


_LOGARITHM = re.compile(r"yi|(ln|log)( ?(or|rr|hr|irr|odds( ratio)?|(risk|rate|hazard) ratio))?")


def speaks_of_clusters(name: str) -> bool:
    """Whether a column's name is that of a design effect, an intraclass correlation or effective sample sizes."""
    return _DESIGN_EFFECT.fullmatch(loose(name)) is not None


def names_variance(name: str) -> bool:
    """Whether a column's name is that of sampling variances."""
    return _VARIANCE.fullmatch(loose(name)) is not None


_SAMPLES = re.compile(
    r"((study|sample|trial|cohort|data ?set|project|paper|author|group|family) ?)?(id|nr|no|number|code)|cohort( name)?|"
    r"sample( name)?|data ?set|nct( ?(id|no|number))?|isrctn|prospero|(trial )?regist(ration|ry)( ?(id|no|nr|number))?"
)
_LEVEL, _LIMIT = (
    "(?:50|68|80|84|90|98|99)",
    "(?:ci|ki|ic|cl|ll|ul|lb|ub|lcl|ucl|lci|uci|lo|low|lower|up|upper|high|limit|l|u)",
)
_OTHER_LEVEL = re.compile(
    rf"(?<!\d){_LEVEL}\s?%|(?<![^\W\d_]){_LIMIT}[\s_.\-]?{_LEVEL}(?!\d)|(?<!\d){_LEVEL}[\s_.\-]?{_LIMIT}(?![^\W\d_])",
    re.IGNORECASE,
)


def names_samples(name: str) -> bool:
    """Whether a column's name is that of ids of studies, trials or samples of people."""
    return _SAMPLES.fullmatch(loose(name)) is not None


def names_other_level(name: str) -> bool:
    """Whether a column's name is that of limits of another level than 95%."""
    return _OTHER_LEVEL.search(name) is not None


def names_logarithm(name: str) -> bool:
    """Whether a column's name is that of logarithms of ratios."""
    return _LOGARITHM.fullmatch(loose(name)) is not None


def names_standard_error(name: str) -> bool:
    """Whether a column's name is that of standard errors."""
    return _STANDARD_ERROR.fullmatch(loose(name)) is not None


_INCLUDED = re.compile(
    r"(is |to )?(includ(e|ed|ing)|inclusion|eligible|eligibility|keep|kept|retained?|use|used|(included? )?in( the)? "
    r"(meta ?)?(analysis|review|ma)|analy[sz]ed|eingeschlossen)( in( the)? .*)?"
)
_EXCLUDED = re.compile(
    r"(is |to )?(exclud(e|ed)|exclusion|drop|dropped|removed?|omit|omitted|retracted|ausgeschlossen)"
)
_EXCLUSION_REASON = re.compile(
    r"(reasons?( for| of)? exclusion|exclu(sion|ded?) (reasons?|because|why)|why excluded|ausschlussgrund)"
)
_YES = frozenset({"yes", "y", "1", "1.0", "true", "t", "x", "ja", "oui", "excluded", "exclude", "retracted", "dropped"})
_NO = frozenset(
    {"no", "n", "0", "0.0", "false", "f", "nein", "non", "excluded", "exclude", "not included", "not eligible"}
)
_CLUSTERED = re.compile(r"(is )?(c ?rct|cluster(ed)?( ?(randomi[sz]ed|trial|rct|design|randomi[sz]ation|crt))*)")
_DESIGN = re.compile(
    r"((study|trial|rct) )?(design|type)|(unit|level|method|type) of (randomi[sz]ation|allocation)|randomi[sz]ation( unit| level)?"
)
Cells = Sequence[tuple[int, str]]


def names_exclusion_reason(name: str) -> bool:
    """Whether a column's name is that of reasons for an exclusion."""
    return _EXCLUSION_REASON.fullmatch(loose(name)) is not None


def excluded(name: str, cells: Cells) -> list[tuple[int, str]]:
    """The cells that mark their row as excluded, by the name of their column; none where they mark every row."""
    words = loose(name)
    if names_exclusion_reason(name):
        marked = [
            (row, text)
            for row, text in cells
            if not is_nothing(text) and loose(text) not in _NO - {"excluded", "exclude"}
        ]
    elif _INCLUDED.fullmatch(words):
        marked = [(row, text) for row, text in cells if loose(text) in _NO]
    elif _EXCLUDED.fullmatch(words):
        marked = [(row, text) for row, text in cells if loose(text) in _YES]
    else:
        return []
    return marked if len(marked) < len(cells) else []


def clustered(name: str, cells: Cells) -> list[tuple[int, str]]:
    """The cells that say, by themselves or with the name of their column, that a trial was randomised by clusters."""
    if _CLUSTERED.fullmatch(loose(name)):
        return [(row, text) for row, text in cells if loose(text) in _YES or re.match(r"c ?rct|cluster", loose(text))]
    if _DESIGN.fullmatch(loose(name)):
        return [(row, text) for row, text in cells if re.search(r"\b(c ?rct|cluster)", loose(text))]
    return []


def crossed_over(name: str, cells: Cells) -> list[tuple[int, str]]:
    """The cells of a column of designs that say that everybody was in both arms."""
    if re.fullmatch("cross ?over( (trial|design|rct))?", loose(name)):
        return [(row, text) for row, text in cells if loose(text) in _YES]
    if _DESIGN.fullmatch(loose(name)) is None:
        return []
    return [(row, text) for row, text in cells if re.search(r"\bcross ?over", loose(text))]
