"""Tolerances by quantity, each with its reason. Relative unless named otherwise."""

# metafor's numbers are stored at 15 digits; closed forms and our bisection agree to rounding.
METAFOR = 1e-9
# A profile limit is a root on both sides; metafor stops at about 1e-10 of its own scale.
METAFOR_PROFILE = 1e-7
# Quantities that are 0 in exact arithmetic (tau2 on its boundary) are compared absolutely.
ZERO = 1e-10
# Effect sizes are closed forms printed at 15 digits.
ESCALC = 1e-12
# Published to this many decimals: half a unit in the last place.
PRINTED_2 = 0.005
PRINTED_3 = 0.0005
PRINTED_4 = 0.00005
# Laws that hold exactly but for the order of floating-point sums.
LAW = 1e-8
