"""Tolerances by quantity, each with its reason. Relative unless named otherwise."""

# metafor's numbers are stored at 15 digits; closed forms and our bisection agree to rounding.
METAFOR = 1e-9
# A profile limit is a root on both sides; metafor stops at about 1e-10 of its own scale.
METAFOR_PROFILE = 1e-7
# Quantities that are 0 in exact arithmetic (tau2 on its boundary) are compared absolutely.
ZERO = 1e-10
# Effect sizes are closed forms printed at 15 digits.
ESCALC = 1e-12
# A correlation may be within 1e-9 of 1: of the 16 digits of 1 - r, seven are left.
BOUNDARY = 1e-7
BOUNDARY_ZERO = 1e-14
# A number in a workbook has 16 digits.
WORKBOOK = 1e-15
# Joint regressions: rma's Fisher scoring stopped at a change of tau2 of 1e-12.
METAFOR_JOINT = 1e-7
# rma.mv's optimisers stop at a relative change of 1e-13 of the likelihood: of its place about half of the digits.
CHE_REFERENCE = 1e-5
# Published to this many decimals: half a unit in the last place.
PRINTED_2 = 0.005
PRINTED_3 = 0.0005
PRINTED_4 = 0.00005
PRINTED_5 = 0.000005
PRINTED_7 = 0.00000005
# rpact iterates its critical values; alpha spent so far is off by up to 1e-8 in its last place.
RPACT = 2e-5
# Laws that hold exactly but for the order of floating-point sums.
LAW = 1e-8
# the same fit with a moderator counted from another zero; whole numbers are moved without rounding
SHIFTED = 1e-12
# p-values this small are 0 to any reader; their relative error is that of the tail function.
TINY_P = 1e-12
# Roever (2020): bayesmeta integrates tau adaptively and optimises modes and shortest intervals, to about 1e-5.
BAYESMETA_TAU = 1e-8
BAYESMETA_TAU_OPTIMISED = 5e-5
# mu and theta are mixtures on bayesmeta's own grid of tau (delta 0.01, epsilon 1e-4): 0.01% of the mass is left out.
BAYESMETA_MU = 5e-4
BAYESMETA_THETA = 1e-3
# Two-dimensional adaptive integration that knows nothing of the closed forms.
BRUTE_FORCE = 1e-7
# Exact but for rounding; a mode (a flat top) keeps half of the digits.
BAYES_LAW = 1e-9
BAYES_LAW_MODE = 1e-7
# metafor's selection models are Newton-polished nlminb results; absolute values in units of the largest effect.
SELECTION = 1e-5
SELECTION_ABSOLUTE = 1e-6
# Where metafor stopped with a gradient of 4e-6 to 2e-4 (ours: below 1e-11), on a likelihood no higher than ours.
SELECTION_UNPOLISHED = 2e-4
# Our likelihood is never lower than metafor's by more than rounding of the stored digits.
SELECTION_LIKELIHOOD = 1e-6
SELECTION_LAW = 1e-7
# Quantiles of t by two routes; probabilities by two quadratures, the adaptive one to 1e-9 with bisections inside.
QUADRATURE = 1e-9
QUADRATURE_P = 1e-7
# Shares of 400,000 points of a sequence of low discrepancy.
SEQUENCE = 1e-4
# A posterior of tau where the data say next to nothing.
NEARLY_PRIOR = 1e-3
# 60 runs of a nominal 95% interval: four standard errors below 0.95.
BOOTSTRAP_COVERAGE = 0.83
# Expected numbers in R scripts: the fits themselves agree to 1e-6 with stored ones.
R_SCRIPT = 1e-6
# A formula written down again in a test; where it maximises a likelihood itself, to the square root of rounding.
FORMULA = 1e-6
# Limits of a size beside those of the value, where nearly all of the distribution has one sign.
FAR_FROM_ZERO = 1e-3
# Sections of the reference, first matching prefix: (relative, absolute in units of the largest effect), and why.
SECTIONS = (
    # metafor's uniroot stops at about 1e-10 of its own scale
    ("confint.PL", 1e-5, 1e-7),
    ("confint", 1e-6, 1e-9),
    # nlminb inside confint.rma.mv
    ("mv.ml3_confint", 1e-4, 1e-6),
    ("mv", 1e-6, 1e-8),
    # metafor's optimiser stops at a gradient of about 1e-4; ours at 1e-9
    ("selmodel", 1e-4, 1e-5),
    # bayesmeta integrates on a grid of its own; 5e-3 is what it promises
    ("extras.bayesmeta", 5e-3, 5e-3),
    # metafor integrates power over +-5 tau, which leaves out 6e-7 of the mass
    ("tes", 2e-5, 5e-6),
    # metafor's uniroot stops at 1e-4; hc_tight is the same to 1e-13
    ("hc_tight", 1e-9, 1e-11),
    ("hc", 1e-4, 1e-5),
    # meta's REML was converged for it
    ("extras.limitmeta", 1e-7, 1e-9),
    # meta's REML stops at 1e-5
    ("extras", 1e-4, 1e-4),
    ("", 1e-7, 1e-9),
)


def for_path(path: str) -> tuple[float, float]:
    """Relative and absolute tolerance of a stored number."""
    return next((relative, absolute) for prefix, relative, absolute in SECTIONS if path.startswith(prefix))


# One formula written in two ways, without a search.
SAME_FORMULA = 1e-10
# One data set in two units, or in two orders: roundings of sums, which the search for tau2 multiplies.
UNITS = 1e-7
# A general optimiser without derivatives finds a flat top: its likelihood to many digits, its place to half of them.
DENSE_LIKELIHOOD = 1e-7
DENSE_ESTIMATE = 1e-5
# rma.mv by BFGS to a relative change of 1e-14 of the likelihood: of its place about half of those digits. Absolute, for
# variances and estimates below 1.
LEVELS = 1e-7
# metafor's beta selection model in R with the integrals taken to 1e-9; its BFGS stops before ours.
BETA_SELECTION = 1e-5
BETA_SELECTION_SE = 1e-3
# metafor's default integrals go to 1e-4.
BETA_SELECTION_DEFAULT = 5e-3
BETA_SELECTION_LIKELIHOOD = 1e-7
# puniform's optimisers and root finders stop at about 1e-4 of their own scale.
P_UNIFORM = 2e-4
# rma.mv by BFGS to a relative change of 1e-14 of the likelihood: of its place about half of those digits.
RMA_MV = 1e-6
# The same model by two of our own searches, the fast one for one correlation and the dense one for any covariance.
TWO_SEARCHES = 1e-6
# rma.mv by BFGS works on logarithms of variances and so ends above a variance of 0, by up to 4e-7 here, which moves the
# others and the likelihood by as much. Absolute.
CROSSED = 1e-6
# confint of rma.mv stops its root finder at a change of about 1e-4 of the variance.
METAFOR_LIMITS = 1e-3
# A variance of 20,000 draws has a relative standard error of 1%; the formula is a large-sample one, near to 2% here.
MONTE_CARLO_VARIANCE = 0.05
# RoBMA: samples of JAGS (estimates), and bridge sampling (Bayes factors, relative or of their logarithm).
ROBMA_SAMPLED = 0.006
ROBMA_BAYES_FACTOR = 0.02
# Log marginal likelihoods of the 36 models with the nodes that are used, beside adaptive integrals and more nodes.
MODEL_EVIDENCE = 1e-3
# Scores and information by differences of log densities, of a step of 1e-4.
SANDWICH = 1e-4
# zcurve's EM stops at a change of 1e-6 of its likelihood; its weights lie on a ridge.
Z_CURVE_WEIGHTS = 0.006
# 1 / power is 20 for a mean of 0, which is 0.003 heavier here, and counts that much.
Z_CURVE_DISCOVERY = 0.005
# Percentiles of other resamples.
Z_CURVE_LIMITS = 0.03
# Log-likelihood of another maximiser, whose weights of 0 are only small.
Z_CURVE_LIKELIHOOD = 1e-4
# In em: the shaping engine places points, and each letter, on a grid of 64 parts of a pixel, 100 pixels to the em.
OUTLINE = 4e-4
# A length in an SVG is written to a tenth of a point.
TENTH_OF_A_POINT = 0.0501
