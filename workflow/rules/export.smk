# in:  results/models/*.json, results/diagnostics/*.json, results/claims.json, data/raw/<source>/source.yaml; the crate: all
# out: results/r/<synthesis>.{R,csv}, results/model_cards/<synthesis>.json, results/prisma_checklist.csv,
#      results/ro-crate-metadata.json, results/workflow/ (the Snakefile and its rules, as run)
# config: all of it

import snakemake as snakemake_package

EXPORTS = [
    *expand("results/r/{synthesis}.{kind}", synthesis=PLAN.config.syntheses, kind=["R", "csv"]),
    *expand("results/model_cards/{synthesis}.json", synthesis=PLAN.config.syntheses),
]
RESULTS += [*EXPORTS, "results/prisma_checklist.csv"]
CRATE = "results/ro-crate-metadata.json"


rule export:
    input:
        models=MODELS,
        diagnostics=DIAGNOSTICS,
        about=ABOUT,
        claims="results/claims.json",
    output:
        EXPORTS,
        report(
            "results/prisma_checklist.csv",
            category="Reporting",
            labels={"table": "PRISMA 2020 checklist"},
            caption="../report/checklist.rst",
        ),
    log:
        "results/logs/export.log",
    benchmark:
        "results/benchmarks/export.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=PLAN.whole(),
        read=ABOUT_READ,
        code=code_of("export"),
    shell:
        "synthesis export --config - --models {input.models:q} --diagnostics {input.diagnostics:q} "
        "--about {input.about:q} --claims {input.claims:q} --out results <<< {params.plan:q} > {log:q} 2>&1"


rule crate:
    input:
        files=RESULTS,
        model=MODELS[0],
        about=ABOUT,
    output:
        CRATE,
        directory("results/workflow"),
    log:
        "results/logs/crate.log",
    benchmark:
        "results/benchmarks/crate.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=PLAN.whole(),
        read=ABOUT_READ,
        version=snakemake_package.__version__,
        workflow=digest(
            [workflow.main_snakefile, *sorted(Path(workflow.basedir).glob("workflow/rules/*.smk"))]
        ),
        code=code_of("crate"),
    shell:
        "synthesis crate --config - --model {input.model:q} --files {input.files:q} --about {input.about:q} "
        "--snakemake {params.version:q} --workflow {workflow.basedir:q} --out results <<< {params.plan:q} > {log:q} 2>&1"
