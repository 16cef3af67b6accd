# in:  results/models/*.json, results/diagnostics/*.json, results/sources/*.json, results/tables/*.csv, results/claims.json,
#      results/process.json, data/raw/<source>/source.yaml, results/figures/*.svg, results/figures/data/*.csv
# out: results/report.html, results/report_appendix.html
# config: all of it

RESULTS += ["results/report.html", "results/report_appendix.html"]


rule report:
    input:
        models=MODELS,
        compared=[*COMPARISON_TABLES, *TIPPING_TABLES, *CERTAINTY_TABLES, *AGREEMENT_TABLES],
        pairs=MULTIVERSE_TABLES[2:],
        claims="results/claims.json",
        crosscheck="results/tables/crosscheck.csv",
        sources=SOURCES,
        diagnostics=DIAGNOSTICS,
        about=ABOUT,
        figures=expand("results/figures/{name}.svg", name=DRAWN),
        data=expand("results/figures/data/{name}.csv", name=DRAWN),
        multiverses=SUMMARIES,
        process=PROCESS,
        doubts=DOUBTS,
    output:
        short="results/report.html",
        appendix="results/report_appendix.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        diagnostics=as_arguments(DIAGNOSTICS),
        about=as_arguments(ABOUT),
        multiverses=as_arguments(SUMMARIES),
        figures=as_arguments(expand("results/figures/{name}.svg", name=DRAWN)),
        plan=as_input(PLAN.whole()),
        read=ABOUT_READ,
        code=code_of("report"),
    shell:
        "synthesis report --config - --models {params.models:q} --compared {input.compared:q} "
        "--crosscheck {input.crosscheck:q} --sources {params.sources:q} --about {params.about:q} "
        "--diagnostics {params.diagnostics:q} --figures {params.figures:q} --claims {input.claims:q} "
        "--multiverses {params.multiverses:q} --pairs {input.pairs:q} "
        "--process {input.process:q} --doubts {input.doubts:q} --out {output.short:q} --appendix {output.appendix:q} "
        "{params.plan} > {log:q} 2>&1"
