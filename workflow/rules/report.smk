# in:  results/models/*.json, results/diagnostics/*.json, results/sources/*.json, results/tables/*.csv, results/claims.json,
#      data/raw/<source>/source.yaml, results/figures/live/*.svg, results/figures/data/*.csv
# out: results/report.html
# config: all of it


rule report:
    input:
        models=MODELS,
        compared=[*COMPARISON_TABLES, *TIPPING_TABLES, *AGREEMENT_TABLES],
        pairs=MULTIVERSE_TABLES[2:],
        claims="results/claims.json",
        crosscheck="results/tables/crosscheck.csv",
        sources=expand("results/sources/{source}.json", source=SOURCES),
        diagnostics=expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses),
        about=ABOUT,
        figures=expand("results/figures/live/{name}.svg", name=LIVE),
        data=expand("results/figures/data/{name}.csv", name=LIVE),
        multiverses=expand("results/multiverse/{name}.json", name=MULTIVERSES),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=PLAN.whole(),
        read=ABOUT_READ,
        rules=lambda wildcards: edges(workflow.rules, PLAN.batches(), TRIED),
        multiverses=(
            [
                "--multiverses",
                *expand("results/multiverse/{name}.json", name=MULTIVERSES),
                "--pairs",
                *MULTIVERSE_TABLES[2:],
            ]
            if MULTIVERSES
            else []
        ),
        code=CODE,
    shell:
        "synthesis report --config - --models {input.models:q} --compared {input.compared:q} "
        "--crosscheck {input.crosscheck:q} --sources {input.sources:q} --about {input.about:q} "
        "--diagnostics {input.diagnostics:q} --figures {input.figures:q} --rules {params.rules:q} "
        "--claims {input.claims:q} {params.multiverses:q} --out {output:q} <<< {params.plan:q} > {log:q} 2>&1"
