# in:  results/sources/<source>.json, results/config.json
# out: results/models/<synthesis>.json, results/tables/{pooled,crosscheck,comparison}.csv
# config: syntheses, defaults, comparisons, bridges


rule pool:
    input:
        sources=lambda wildcards: expand(
            "results/sources/{source}.json",
            source=PLAN.config.syntheses[wildcards.synthesis].sources,
        ),
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
    priority: 1
    shell:
        "synthesis pool --config {input.config:q} --synthesis {wildcards.synthesis:q} --sources {input.sources:q} "
        "--model {output:q} > {log:q} 2>&1"


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
    priority: 1
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
    priority: 1
    shell:
        "synthesis compare --config {input.config:q} --models {input.models:q} --table {output:q} > {log:q} 2>&1"
