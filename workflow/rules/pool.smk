# in:  results/sources/<source>.*.parquet, results/config.json
# out: results/models/<synthesis>.json, results/tables/{pooled,crosscheck,comparison}.csv
# config: syntheses, defaults, comparisons, bridges


def sources_of(synthesis, kind):
    return expand(
        "results/sources/{source}.{kind}.parquet",
        source=PLAN.config.syntheses[synthesis].sources,
        kind=kind,
    )


rule pool:
    input:
        effects=lambda wildcards: sources_of(wildcards.synthesis, "effects"),
        dropped=lambda wildcards: sources_of(wildcards.synthesis, "dropped"),
        config=ancient("results/config.json"),
    output:
        "results/models/{synthesis}.json",
    params:
        plan=lambda wildcards: PLAN.synthesis_params(wildcards.synthesis),
        code=CODE,
    log:
        "results/logs/pool/{synthesis}.log",
    benchmark:
        "results/benchmarks/pool/{synthesis}.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis pool --config {input.config:q} --synthesis {wildcards.synthesis:q} --effects {input.effects:q} "
        "--dropped {input.dropped:q} --model {output:q} > {log:q} 2>&1"


rule pooled:
    input:
        MODELS,
    output:
        table=report(
            "results/tables/pooled.csv",
            category="Tables",
            labels={"table": "pooled estimates"},
            caption="../report/pooled.rst",
        ),
        crosscheck="results/tables/crosscheck.csv",
    params:
        code=CODE,
    log:
        "results/logs/pooled.log",
    benchmark:
        "results/benchmarks/pooled.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis pooled --models {input:q} --table {output.table:q} --crosscheck {output.crosscheck:q} "
        "> {log:q} 2>&1"


rule compare:
    input:
        models=MODELS,
        config=ancient("results/config.json"),
    output:
        report(
            "results/tables/comparison.csv",
            category="Tables",
            labels={"table": "comparisons"},
            caption="../report/comparison.rst",
        ),
    params:
        plan=PLAN.section("comparisons") + PLAN.section("bridges"),
        code=CODE,
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis compare --config {input.config:q} --models {input.models:q} --table {output:q} > {log:q} 2>&1"
