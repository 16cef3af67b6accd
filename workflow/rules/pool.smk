# in:  results/sources/<source>.json
# out: results/models/<synthesis>.json, results/diagnostics/<synthesis>.json,
#      results/crosscheck/<synthesis>.json,
#      results/tables/{pooled,crosscheck,influence,cumulative,small_study,moderators,few_samples}.csv
# config: syntheses, defaults, diagnostics, groupings

# One job per set of sources: its syntheses depend on the same rows, and starting a Python costs more than a fit.
for batch, names in PLAN.batches().items():

    rule:
        name:
            f"pool_{batch}"
        input:
            expand("results/sources/{source}.json", source=PLAN.config.syntheses[names[0]].sources),
        output:
            expand("results/models/{synthesis}.json", synthesis=names),
            # Figures wait for it: both are written only where the second route agrees.
            expand("results/crosscheck/{synthesis}.json", synthesis=names),
        log:
            f"results/logs/pool_{batch}.log",
        benchmark:
            f"results/benchmarks/pool_{batch}.tsv"
        priority: 30
        group:
            "pool"
        conda:
            "../envs/synthesis.yaml"
        params:
            syntheses=names,
            plan=PLAN.part(syntheses=names),
            code=CODE,
        shell:
            "synthesis pool --config - --syntheses {params.syntheses:q} --sources {input:q} --out results/models "
            "--checks results/crosscheck <<< {params.plan:q} > {log:q} 2>&1"


rule pooled:
    input:
        models=MODELS,
        checks=CHECKS,
    output:
        table=report(
            "results/tables/pooled.csv",
            category="Tables",
            labels={"table": "pooled estimates"},
            caption="../report/pooled.rst",
        ),
        crosscheck="results/tables/crosscheck.csv",
    log:
        "results/logs/pooled.log",
    benchmark:
        "results/benchmarks/pooled.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        code=CODE,
    shell:
        "synthesis pooled --models {input.models:q} --checks {input.checks:q} --table {output.table:q} "
        "--crosscheck {output.crosscheck:q} > {log:q} 2>&1"


rule diagnose:
    input:
        MODELS,
    output:
        expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses),
        report(
            DIAGNOSTIC_TABLES,
            category="Diagnostics",
            caption="../report/diagnostics.rst",
        ),
    log:
        "results/logs/diagnose.log",
    benchmark:
        "results/benchmarks/diagnose.tsv"
    priority: 18
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=PLAN.part(PLAN.config.syntheses, also=("diagnostics", "groupings")),
        code=CODE,
    shell:
        "synthesis diagnose --config - --models {input:q} --out results/diagnostics --tables results/tables "
        "<<< {params.plan:q} > {log:q} 2>&1"
