# in:  results/sources/*.json, results/models/<synthesis>.json, data/raw/
# out: results/process.json, results/tables/process_{findings,counts,pools,comparison}.csv,
#      results/figures/forest_process.{svg,pdf,png}, results/figures/data/forest_process.csv,
#      results/tables/{doubts,doubted_comparisons,doubted_claims}.csv
# config: processes, doubts, defaults, syntheses

PROCESS_TABLES = expand(
    "results/tables/process_{table}.csv", table=["findings", "counts", "pools", "comparison"]
)
PROCESS = ["results/process.json"] if PLAN.config.processes else []
DOUBTS = (
    expand("results/tables/{table}.csv", table=["doubts", "doubted_comparisons", "doubted_claims"])
    if PLAN.config.doubts
    else []
)
RESULTS += [*DOUBTS, *PROCESS, *(PROCESS_TABLES if PROCESS else [])]
if PROCESS:
    DRAWN.append("forest_process")
    RESULTS += ["results/figures/forest_process.svg", *other_files("forest_process")]


rule process:
    input:
        model=lambda wildcards: f"results/models/{PLAN.config.processes.synthesis}.json",
        sources=SOURCES,
    output:
        report(
            PROCESS_TABLES,
            category="Comparison",
            caption="../report/process.rst",
        ),
        results="results/process.json",
    log:
        "results/logs/process.log",
    benchmark:
        "results/benchmarks/process.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        sources=as_arguments(SOURCES),
        plan=as_input(PLAN.whole()),
        code=code_of("process"),
    shell:
        "synthesis process --config - --model {input.model:q} --sources {params.sources:q} "
        "--tables results/tables --out {output.results:q} {params.plan} > {log:q} 2>&1"


rule process_figure:
    input:
        "results/process.json",
    output:
        report(
            "results/figures/forest_process.svg",
            category="Comparison",
            labels={"figure": "processes"},
            caption="../report/process.rst",
        ),
        other_files("forest_process"),
        further_pages("forest_process"),
    log:
        "results/logs/process_figure.log",
    benchmark:
        "results/benchmarks/process_figure.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=as_input(PLAN.whole()),
        code=code_of("process-figure"),
    shell:
        "synthesis process-figure --config - --results {input:q} --out results/figures {params.plan} "
        "> {log:q} 2>&1"


rule doubts:
    input:
        models=MODELS,
        sources=SOURCES,
        tables=TABLES,
        corrections=CORRECTIONS,
        declaring=DECLARING,
        claims=CLAIMS,
    output:
        table=report(
            "results/tables/doubts.csv",
            category="Tables",
            caption="../report/doubts.rst",
        ),
        comparisons=report(
            "results/tables/doubted_comparisons.csv",
            category="Tables",
            caption="../report/doubts.rst",
        ),
        claims=report(
            "results/tables/doubted_claims.csv",
            category="Tables",
            caption="../report/doubts.rst",
        ),
    log:
        "results/logs/doubts.log",
    benchmark:
        "results/benchmarks/doubts.tsv"
    priority: 22
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        plan=as_input(PLAN.whole()),
        claims=["--claims", *CLAIMS] if CLAIMS else [],
        read=digest([*TABLES, *DECLARING, *CORRECTIONS, *CLAIMS]),
        code=code_of("doubts"),
    shell:
        "synthesis doubts --config - --raw data/raw --models {params.models:q} --sources {params.sources:q} "
        "{params.claims:q} --table {output.table:q} --comparisons {output.comparisons:q} "
        "--claims-table {output.claims:q} {params.plan} > {log:q} 2>&1"
