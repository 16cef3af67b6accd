# in:  results/sources/<source>.json
# out: results/multiverse/<multiverse>.{jsonl,parquet,json}, results/multiverse/shards/<multiverse>/<shard>.parquet,
#      results/tables/{multiverse,multiverse_decisions,multiverse_bridge}.csv
# config: multiverses, their syntheses and bridges, defaults, relevance

MULTIVERSES = list(PLAN.config.multiverses)
SUMMARIES = expand("results/multiverse/{multiverse}.json", multiverse=MULTIVERSES)
SPECIFICATIONS = expand("results/multiverse/{multiverse}.parquet", multiverse=MULTIVERSES)
MULTIVERSE_TABLES = expand(
    "results/tables/{table}.csv",
    table=["multiverse", "multiverse_decisions", "multiverse_bridge"] if MULTIVERSES else [],
)
RESULTS += [
    *expand("results/multiverse/{multiverse}.jsonl", multiverse=MULTIVERSES),
    *SPECIFICATIONS,
    *SUMMARIES,
    *MULTIVERSE_TABLES,
]


rule multiverse_enumerate:
    input:
        lambda wildcards: sources_of(PLAN.synthesis_of(wildcards.multiverse)),
    output:
        "results/multiverse/{multiverse}.jsonl",
    log:
        "results/logs/multiverse/{multiverse}_enumerate.log",
    benchmark:
        "results/benchmarks/multiverse/{multiverse}_enumerate.tsv"
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.multiverse(wildcards.multiverse)),
        code=code_of("multiverse-enumerate"),
    shell:
        "synthesis multiverse-enumerate --config - --multiverse {wildcards.multiverse:q} --sources {input:q} "
        "--out {output:q} {params.plan} > {log:q} 2>&1"


# Shards are equal in work, not in number; they never cut a block, so that their number changes no result.
rule multiverse_fit:
    input:
        "results/multiverse/{multiverse}.jsonl",
    output:
        "results/multiverse/shards/{multiverse}/{shard}.parquet",
    log:
        "results/logs/multiverse/{multiverse}_{shard}.log",
    benchmark:
        "results/benchmarks/multiverse/{multiverse}_{shard}.tsv"
    wildcard_constraints:
        shard=r"\d+",
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        shards=lambda wildcards: PLAN.config.multiverses[wildcards.multiverse].shards,
        code=code_of("multiverse-fit"),
    shell:
        "synthesis multiverse-fit --enumeration {input:q} --shard {wildcards.shard} --shards {params.shards} "
        "--out {output:q} > {log:q} 2>&1"


rule multiverse_gather:
    input:
        lambda wildcards: expand(
            "results/multiverse/shards/{{multiverse}}/{shard}.parquet",
            shard=range(PLAN.config.multiverses[wildcards.multiverse].shards),
        ),
    output:
        "results/multiverse/{multiverse}.parquet",
    log:
        "results/logs/multiverse/{multiverse}_gather.log",
    benchmark:
        "results/benchmarks/multiverse/{multiverse}_gather.tsv"
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        code=code_of("multiverse-gather"),
    shell:
        "synthesis multiverse-gather --shards {input:q} --out {output:q} > {log:q} 2>&1"


rule multiverse_summary:
    input:
        enumeration="results/multiverse/{multiverse}.jsonl",
        specifications="results/multiverse/{multiverse}.parquet",
        # Any of them may hold a threshold.
        sources=SOURCES,
    output:
        "results/multiverse/{multiverse}.json",
    log:
        "results/logs/multiverse/{multiverse}_summary.log",
    benchmark:
        "results/benchmarks/multiverse/{multiverse}_summary.tsv"
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        sources=as_arguments(SOURCES),
        plan=lambda wildcards: as_input(PLAN.thresholds(wildcards.multiverse)),
        code=code_of("multiverse-summary"),
    shell:
        "synthesis multiverse-summary --config - --enumeration {input.enumeration:q} "
        "--specifications {input.specifications:q} --sources {params.sources:q} --out {output:q} "
        "{params.plan} > {log:q} 2>&1"


rule multiverse_tables:
    input:
        multiverses=SUMMARIES,
        specifications=SPECIFICATIONS,
    output:
        table=report(
            "results/tables/multiverse.csv",
            category="Multiverse",
            labels={"table": "curves"},
            caption="../report/multiverse.rst",
        ),
        decisions=report(
            "results/tables/multiverse_decisions.csv",
            category="Multiverse",
            labels={"table": "decisions"},
            caption="../report/multiverse_decisions.rst",
        ),
        bridge=report(
            "results/tables/multiverse_bridge.csv",
            category="Multiverse",
            labels={"table": "bridge"},
            caption="../report/multiverse_bridge.rst",
        ),
    log:
        "results/logs/multiverse_tables.log",
    benchmark:
        "results/benchmarks/multiverse_tables.tsv"
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        multiverses=as_arguments(SUMMARIES),
        specifications=as_arguments(SPECIFICATIONS),
        plan=as_input(PLAN.bridges_over_multiverses()),
        code=code_of("multiverse-tables"),
    shell:
        "synthesis multiverse-tables --config - --multiverses {params.multiverses:q} "
        "--specifications {params.specifications:q} --table {output.table:q} --decisions {output.decisions:q} "
        "--bridge {output.bridge:q} {params.plan} > {log:q} 2>&1"
