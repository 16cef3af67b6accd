# in:  data/raw/<source>/effects.csv, data/raw/corrections.csv, results/config.json, results/dropped.csv,
#      results/tables/{effects,pooled,claims,comparison,relevance,interactions}.csv, releases/<highest version>/
# out: results/tables/{agreement,disagreements,changes}.csv, results/changes.html
# config: sources

from synthesis.living.release import latest

with stops():
    RELEASE = latest(Path("releases"))

AGREEMENT_TABLES = expand("results/tables/{table}.csv", table=["agreement", "disagreements"])
RESULTS += AGREEMENT_TABLES
# Not among the results: a new release makes them again, and nothing else.
CHANGES = ["results/changes.html", "results/tables/changes.csv"]


rule agreement:
    input:
        tables=TABLES,
        corrections=CORRECTIONS,
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
        read=digest(TABLES) + CORRECTIONS_READ,
        code=code_of("agreement"),
    shell:
        "synthesis agreement --raw data/raw --sources {params.sources:q} --tables results/tables > {log:q} 2>&1"


rule changes:
    input:
        "results/config.json",
        "results/dropped.csv",
        expand(
            "results/tables/{table}.csv",
            table=["effects", "pooled", "claims", "comparison", "relevance", "interactions"],
        ),
        corrections=CORRECTIONS,
        base=[f"releases/{RELEASE}/datapackage.json"] if RELEASE else [],
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
