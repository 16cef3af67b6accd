# in:  config.yaml, data/raw/<source>/{source.yaml,effects.csv}, data/raw/corrections.csv
# out: results/config.json, results/sources/<source>.json, results/effects.parquet, results/dropped.csv
# config: sources, conversions, and the metrics that syntheses ask of a source


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
        plan=PLAN.whole(),
        code=CODE,
    shell:
        "synthesis config --config - --out {output:q} <<< {params.plan:q} > {log:q} 2>&1"


rule extract:
    input:
        table=ancient("data/raw/{source}/effects.csv"),
        corrections=ancient(CORRECTIONS),
    output:
        "results/sources/{source}.json",
    log:
        "results/logs/extract/{source}.log",
    benchmark:
        "results/benchmarks/extract/{source}.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        metrics=lambda wildcards: PLAN.metrics(wildcards.source),
        zero_cells=PLAN.config.conversions.zero_cells,
        # Not of `input`: Snakemake does not rerun for parameters that are derived from it.
        read=lambda wildcards: digest([f"data/raw/{wildcards.source}/effects.csv", *CORRECTIONS]),
        code=CODE,
    shell:
        "synthesis extract --raw data/raw --source {wildcards.source:q} --zero-cells {params.zero_cells} "
        "--metrics {params.metrics:q} --out {output:q} > {log:q} 2>&1"


rule gather:
    input:
        expand("results/sources/{source}.json", source=SOURCES),
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
        code=CODE,
    shell:
        "synthesis gather --sources {input:q} --effects {output.effects:q} "
        "--table {output.table:q} --dropped {output.dropped:q} > {log:q} 2>&1"
