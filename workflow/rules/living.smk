# in:  data/raw/<source>/effects.csv, data/raw/corrections.csv, results/config.json, results/dropped.csv,
#      results/tables/{effects,pooled,claims,comparison,relevance,interactions}.csv, releases/<highest version>/
# out: results/tables/{agreement,disagreements,changes,monitoring}.csv, results/changes.html
# config: sources, monitoring

from synthesis.living.release import latest

with stops():
    RELEASE = latest(Path("releases"))

AGREEMENT_TABLES = expand("results/tables/{table}.csv", table=["agreement", "disagreements"])
MONITORED = expand("results/models/{synthesis}.json", synthesis=PLAN.config.monitoring)
MONITORING = ["results/tables/monitoring.csv"] if MONITORED else []
RESULTS += [*AGREEMENT_TABLES, *MONITORING]
# Not among the results: a new release makes them again, and nothing else.
CHANGES = ["results/changes.html", "results/tables/changes.csv"]


rule agreement:
    input:
        tables=TABLES,
        corrections=CORRECTIONS,
        declaring=DECLARING,
    output:
        report(
            AGREEMENT_TABLES,
            category="Tables",
            caption="../report/agreement.rst",
        ),
    log:
        "results/logs/agreement.log",
    benchmark:
        "results/benchmarks/agreement.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        sources=as_arguments(PLAN.config.sources),
        read=digest([*TABLES, *DECLARING]) + CORRECTIONS_READ,
        code=code_of("agreement"),
    shell:
        "synthesis agreement --raw data/raw --sources {params.sources:q} --tables results/tables > {log:q} 2>&1"


rule monitoring:
    input:
        models=MONITORED,
        sources=SOURCES,
    output:
        report(
            "results/tables/monitoring.csv",
            category="Living review",
            labels={"table": "sequential monitoring"},
            caption="../report/monitoring.rst",
        ),
    log:
        "results/logs/monitoring.log",
    benchmark:
        "results/benchmarks/monitoring.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MONITORED),
        sources=as_arguments(SOURCES),
        plan=as_input(PLAN.monitoring()),
        code=code_of("monitoring"),
    shell:
        "synthesis monitoring --config - --models {params.models:q} --sources {params.sources:q} "
        "--table {output:q} {params.plan} > {log:q} 2>&1"


rule changes:
    input:
        "results/config.json",
        "results/dropped.csv",
        expand(
            "results/tables/{table}.csv",
            table=["effects", "pooled", "claims", "comparison", "relevance", "interactions"],
        ),
        corrections=CORRECTIONS,
        base=[str(path) for path in sorted(Path("releases", RELEASE).rglob("*.*"))] if RELEASE else [],
    output:
        page=report(
            "results/changes.html",
            category="Living review",
            labels={"page": "changes"},
            caption="../report/changes.rst",
        ),
        table=report(
            "results/tables/changes.csv",
            category="Living review",
            labels={"table": "changes"},
            caption="../report/changes.rst",
        ),
    log:
        "results/logs/changes.log",
    benchmark:
        "results/benchmarks/changes.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        base=["--base", f"releases/{RELEASE}"] if RELEASE else [],
        code=code_of("changes"),
    shell:
        "synthesis changes --results results --raw data/raw {params.base:q} --out {output.page:q} "
        "--table {output.table:q} > {log:q} 2>&1"
