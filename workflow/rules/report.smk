# in:  results/models/*.json, results/diagnostics/*.json, results/sources/*.json, results/tables/{comparison,crosscheck}.csv,
#      data/raw/<source>/source.yaml, results/figures/live/*.svg, results/figures/data/*.csv
# out: results/report.html
# config: all of it


rule report:
    input:
        models=MODELS,
        comparison="results/tables/comparison.csv",
        crosscheck="results/tables/crosscheck.csv",
        sources=expand("results/sources/{source}.json", source=SOURCES),
        diagnostics=expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses),
        about=expand("data/raw/{source}/source.yaml", source=SOURCES),
        figures=expand("results/figures/live/forest_{figure}.svg", figure=PLAN.figures()),
        data=expand("results/figures/data/forest_{figure}.csv", figure=PLAN.figures()),
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
        rules=lambda wildcards: edges(workflow.rules, PLAN.batches(), TRIED),
        code=CODE,
    shell:
        "synthesis report --config - --models {input.models:q} --comparison {input.comparison:q} "
        "--crosscheck {input.crosscheck:q} --sources {input.sources:q} --about {input.about:q} "
        "--diagnostics {input.diagnostics:q} --figures {input.figures:q} --rules {params.rules:q} "
        "--out {output:q} <<< {params.plan:q} > {log:q} 2>&1"
