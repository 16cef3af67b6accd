# in:  config.yaml, data/raw/<source>/{source.yaml,effects.csv}, data/raw/corrections.csv
# out: results/config.json, results/sources/<source>.*.parquet, results/effects.parquet, results/dropped.csv
# config: sources, conversions, and the metrics that syntheses ask of a source


rule config:
    output:
        "results/config.json",
    params:
        content=PLAN.section(),
        code=CODE,
    log:
        "results/logs/config.log",
    benchmark:
        "results/benchmarks/config.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis config --content {params.content:q} --out {output:q} > {log:q} 2>&1"


rule extract:
    input:
        table="data/raw/{source}/effects.csv",
        corrections=branch(
            exists("data/raw/corrections.csv"), then="data/raw/corrections.csv", otherwise=[]
        ),
        config=ancient("results/config.json"),
    output:
        effects="results/sources/{source}.effects.parquet",
        dropped="results/sources/{source}.dropped.parquet",
    params:
        metrics=lambda wildcards: PLAN.metrics(wildcards.source),
        conversions=PLAN.section("conversions"),
        code=CODE,
    log:
        "results/logs/extract/{source}.log",
    benchmark:
        "results/benchmarks/extract/{source}.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis extract --config {input.config:q} --raw data/raw --source {wildcards.source:q} "
        "--metrics {params.metrics:q} --effects {output.effects:q} --dropped {output.dropped:q} > {log:q} 2>&1"


rule gather:
    input:
        effects=expand("results/sources/{source}.effects.parquet", source=SOURCES),
        dropped=expand("results/sources/{source}.dropped.parquet", source=SOURCES),
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
    params:
        code=CODE,
    log:
        "results/logs/gather.log",
    benchmark:
        "results/benchmarks/gather.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis gather --effects {input.effects:q} --dropped {input.dropped:q} --effects-out {output.effects:q} "
        "--table-out {output.table:q} --dropped-out {output.dropped:q} > {log:q} 2>&1"
