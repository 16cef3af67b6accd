# in:  config.yaml, data/raw/<source>/{source.yaml,effects.csv,risk_of_bias.csv}, data/raw/corrections.csv
# out: results/config.json, results/sources/<source>.json, results/effects.parquet, results/dropped.csv,
#      results/tables/effects.csv
# config: sources, conversions, and the metrics that syntheses ask of a source

from synthesis.results.files import digest

SOURCES = expand("results/sources/{source}.json", source=PLAN.config.sources)
TABLES = expand("data/raw/{source}/effects.csv", source=PLAN.config.sources)
ABOUT = expand("data/raw/{source}/source.yaml", source=PLAN.config.sources)
# Sources whose risk of bias is judged by domain, and the syntheses that draw on them.
ASSESSED = [name for name in PLAN.config.sources if exists(f"data/raw/{name}/risk_of_bias.csv")]
JUDGED = [name for name in PLAN.config.syntheses if set(PLAN.sources(name)) & set(ASSESSED)]
# Declares columns and words of one's own, which corrections may name. A folder that is at hand has it anyway.
DECLARING = ABOUT if PLAN.config.own_columns or PLACE else []
# A folder of one's own need not have claims or corrections.
CORRECTIONS = ["data/raw/corrections.csv"] if exists("data/raw/corrections.csv") else []
CLAIMS = ["data/raw/claims.csv"] if exists("data/raw/claims.csv") else []
SEARCH = ["data/raw/search.csv"] if exists("data/raw/search.csv") else []
# What is read of the folder, by content: Snakemake goes by times, and a file put back may be older than the results.
# (Params that are functions of inputs would not do: it does not compare those.)
CLAIMS_READ = digest(CLAIMS)
ABOUT_READ = digest(ABOUT)
SEARCH_READ = digest(SEARCH)
CORRECTIONS_READ = digest(CORRECTIONS)
RESULTS += [
    "results/config.json",
    "results/effects.parquet",
    "results/dropped.csv",
    "results/tables/effects.csv",
]


rule config:
    output:
        "results/config.json",
    log:
        "results/logs/config.log",
    benchmark:
        "results/benchmarks/config.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=as_input(PLAN.whole()),
        code=code_of("config"),
    shell:
        "synthesis config --config - --out {output:q} {params.plan} > {log:q} 2>&1"


rule extract:
    input:
        lambda wildcards: read_of(wildcards.source),
        CORRECTIONS,
        DECLARING if PLACE and CORRECTIONS else [],
    output:
        "results/sources/{source}.json",
    log:
        "results/logs/extract/{source}.log",
    benchmark:
        "results/benchmarks/extract/{source}.tsv"
    priority: 40
    conda:
        "../envs/synthesis.yaml"
    params:
        metrics=lambda wildcards: PLAN.metrics(wildcards.source),
        conversions=PLAN.config.conversions.model_dump_json(),
        read=lambda wildcards: digest(read_of(wildcards.source)) + CORRECTIONS_READ,
        code=code_of("extract"),
    shell:
        "synthesis extract --raw data/raw --source {wildcards.source:q} --conversions {params.conversions:q} "
        "--metrics {params.metrics:q} --out {output:q} > {log:q} 2>&1"


rule gather:
    input:
        SOURCES,
    output:
        effects="results/effects.parquet",
        table=report(
            "results/tables/effects.csv",
            category="Tables",
            labels={"table": "effects"},
            caption="../report/effects.rst",
        ),
        dropped=report(
            "results/dropped.csv",
            category="Tables",
            labels={"table": "dropped rows"},
            caption="../report/dropped.rst",
        ),
    log:
        "results/logs/gather.log",
    benchmark:
        "results/benchmarks/gather.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        sources=as_arguments(SOURCES),
        code=code_of("gather"),
    shell:
        "synthesis gather --sources {params.sources:q} --effects {output.effects:q} "
        "--table {output.table:q} --dropped {output.dropped:q} > {log:q} 2>&1"
