# Results: effects.parquet, dropped.csv, models/<synthesis>.json, tables/*.csv, figures/forest_<name>.{svg,pdf,png},
# report.html, report_appendix.html; all below results/ of the folder that holds config.yaml and data/raw/.

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/guard.smk"


configfile: "config.yaml"


include: "workflow/rules/running.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/review.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/multiverse.smk"
include: "workflow/rules/draw.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/living.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"


rule all:
    default_target: True
    input:
        RESULTS,
        CRATE,
        CHANGES,


include: "workflow/rules/targets.smk"


onsuccess:
    print("Open results/report.html; the figures are in results/figures/.")
