# in:  results/models/*.json, results/diagnostics/*.json, results/sources/*.json, results/tables/*.csv, results/claims.json,
#      results/process.json, data/raw/<source>/source.yaml, results/figures/*.svg, results/figures/data/*.csv;
#      the manuscript: results/figures/*.{png,pdf}, data/raw/search.csv
# out: results/report.html, results/report_appendix.html,
#      results/manuscript/{manuscript.md,manuscript.docx,summary_of_findings.docx,references.bib},
#      results/manuscript/tables/<table>.csv, results/manuscript/figures/<name>.{png,pdf}
# config: all of it

from synthesis.plan.parts import TABLES_BESIDE, TABLES_IN_TEXT

PICTURES = [*PLAN.figures_of_manuscript(), *expand("risk_domains_{synthesis}", synthesis=JUDGED)]
MANUSCRIPT = [
    *expand(
        "results/manuscript/{name}",
        name=["manuscript.md", "manuscript.docx", "summary_of_findings.docx", "references.bib"],
    ),
    *expand("results/manuscript/tables/{table}.csv", table=[*TABLES_IN_TEXT, *TABLES_BESIDE]),
]
# One output, whatever the number of figures: Snakemake looks through all outputs of a job for each of them.
COPIED = "results/manuscript/figures"
COPIED_FIGURES = expand("results/manuscript/figures/{name}.{kind}", name=PICTURES, kind=["png", "pdf"])
RESULTS += ["results/report.html", "results/report_appendix.html", *MANUSCRIPT, COPIED]


rule report:
    input:
        models=MODELS,
        compared=[
            *[*COMPARISON_TABLES, *MODERATOR_POWER, *TIPPING_TABLES, *CERTAINTY_TABLES],
            *[*AGREEMENT_TABLES, *MONITORING, *PSYCHOMETRIC],
        ],
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


rule manuscript:
    input:
        models=MODELS,
        compared=[
            *[*COMPARISON_TABLES, *MODERATOR_POWER, *TIPPING_TABLES, *CERTAINTY_TABLES],
            *[*AGREEMENT_TABLES, *MONITORING, *PSYCHOMETRIC],
        ],
        pairs=MULTIVERSE_TABLES[2:],
        claims="results/claims.json",
        crosscheck="results/tables/crosscheck.csv",
        sources=SOURCES,
        diagnostics=DIAGNOSTICS,
        about=ABOUT,
        figures=expand("results/figures/{name}.{kind}", name=PICTURES, kind=["png", "pdf"]),
        search=SEARCH,
        multiverses=SUMMARIES,
        process=PROCESS,
        doubts=DOUBTS,
    output:
        MANUSCRIPT,
        directory(COPIED),
    log:
        "results/logs/manuscript.log",
    benchmark:
        "results/benchmarks/manuscript.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        diagnostics=as_arguments(DIAGNOSTICS),
        about=as_arguments(ABOUT),
        multiverses=as_arguments(SUMMARIES),
        figures=as_arguments(expand("results/figures/{name}.png", name=PICTURES)),
        search=["--search", *SEARCH] if SEARCH else [],
        plan=as_input(PLAN.whole()),
        read=ABOUT_READ + SEARCH_READ,
        code=code_of("manuscript"),
    shell:
        "synthesis manuscript --config - --models {params.models:q} --compared {input.compared:q} "
        "--crosscheck {input.crosscheck:q} --sources {params.sources:q} --about {params.about:q} "
        "--diagnostics {params.diagnostics:q} --figures {params.figures:q} --claims {input.claims:q} "
        "--multiverses {params.multiverses:q} --pairs {input.pairs:q} "
        "--process {input.process:q} --doubts {input.doubts:q} {params.search:q} --out results/manuscript "
        "{params.plan} > {log:q} 2>&1"
