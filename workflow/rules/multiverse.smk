# in:  results/sources/<source>.json
# out: results/multiverse/<multiverse>.{jsonl,parquet,json}, results/multiverse/shards/<multiverse>/<shard>.parquet,
#      results/tables/{multiverse,multiverse_decisions,multiverse_bridge}.csv,
#      results/figures/{specification,vibration}_<multiverse>, multiverse_bridge_<bridge>.{svg,pdf,png}, their data and live drawings
# config: multiverses, their syntheses and bridges, defaults, relevance

if MULTIVERSES:

    rule multiverse_enumerate:
        input:
            lambda wildcards: expand(
                "results/sources/{source}.json", source=PLAN.sources_of_multiverse(wildcards.multiverse)
            ),
        output:
            "results/multiverse/{multiverse}.jsonl",
        log:
            "results/logs/multiverse/{multiverse}_enumerate.log",
        benchmark:
            "results/benchmarks/multiverse/{multiverse}_enumerate.tsv"
        priority: 10
        conda:
            "../envs/synthesis.yaml"
        params:
            plan=lambda wildcards: PLAN.part(multiverses=[wildcards.multiverse]),
            code=CODE,
        shell:
            "synthesis multiverse-enumerate --config - --multiverse {wildcards.multiverse:q} --sources {input:q} "
            "--out {output:q} <<< {params.plan:q} > {log:q} 2>&1"

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
        priority: 10
        conda:
            "../envs/synthesis.yaml"
        params:
            shards=lambda wildcards: PLAN.config.multiverses[wildcards.multiverse].shards,
            code=CODE,
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
        priority: 10
        conda:
            "../envs/synthesis.yaml"
        params:
            code=CODE,
        shell:
            "synthesis multiverse-gather --shards {input:q} --out {output:q} > {log:q} 2>&1"

    rule multiverse_summary:
        input:
            enumerations=expand("results/multiverse/{multiverse}.jsonl", multiverse=MULTIVERSES),
            specifications=expand("results/multiverse/{multiverse}.parquet", multiverse=MULTIVERSES),
            sources=expand("results/sources/{source}.json", source=SOURCES),
        output:
            expand("results/multiverse/{multiverse}.json", multiverse=MULTIVERSES),
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
            "results/logs/multiverse_summary.log",
        benchmark:
            "results/benchmarks/multiverse_summary.tsv"
        priority: 10
        conda:
            "../envs/synthesis.yaml"
        params:
            plan=PLAN.part(bridges=PLAN.bridged_multiverses(), multiverses=MULTIVERSES, also=("relevance",)),
            code=CODE,
        shell:
            "synthesis multiverse-summary --config - --enumerations {input.enumerations:q} "
            "--specifications {input.specifications:q} --sources {input.sources:q} --out results/multiverse "
            "--table {output.table:q} --decisions {output.decisions:q} --bridge {output.bridge:q} <<< {params.plan:q} > {log:q} 2>&1"

    rule multiverse_figures:
        input:
            multiverses=expand("results/multiverse/{multiverse}.json", multiverse=MULTIVERSES),
            bridge="results/tables/multiverse_bridge.csv",
        output:
            [
                report(
                    f"results/figures/{name}.svg",
                    category="Multiverse",
                    labels={"figure": name},
                    caption=f"../report/{'multiverse_bridge' if 'bridge' in name else name.split('_')[0]}.rst",
                )
                for name in MULTIVERSE_FIGURES
            ],
            expand("results/figures/{name}.{kind}", name=MULTIVERSE_FIGURES, kind=["pdf", "png"]),
            expand("results/figures/data/{name}.csv", name=MULTIVERSE_FIGURES),
            expand("results/figures/live/{name}.svg", name=MULTIVERSE_FIGURES),
        log:
            "results/logs/multiverse_figures.log",
        benchmark:
            "results/benchmarks/multiverse_figures.tsv"
        priority: 10
        conda:
            "../envs/synthesis.yaml"
        params:
            bridged=PLAN.bridged_multiverses(),
            code=CODE,
        shell:
            "synthesis multiverse-figures --multiverses {input.multiverses:q} --bridge {input.bridge:q} "
            "--bridged {params.bridged:q} --out results/figures > {log:q} 2>&1"
