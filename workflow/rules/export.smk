# in:  results/models/*.json, results/crosscheck/*.json, results/diagnostics/*.json, results/sources/*.json,
#      results/claims.json, data/raw/<source>/source.yaml
# out: results/r/<synthesis>.{R,csv}, results/model_cards/<synthesis>.json, results/prisma_checklist.csv,
#      results/figures/{prisma_flow,risk_of_bias}.{svg,pdf,png}, results/ro-crate-metadata.json,
#      results/workflow/ (the Snakefile and its rules, as run)
# config: all of it

import snakemake as snakemake_package


rule export:
    input:
        models=MODELS,
        checks=CHECKS,
        diagnostics=expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses),
        sources=expand("results/sources/{source}.json", source=SOURCES),
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
        report(
            "results/figures/prisma_flow.svg",
            category="Reporting",
            labels={"figure": "flow of evidence"},
            caption="../report/prisma.rst",
        ),
        report(
            "results/figures/risk_of_bias.svg",
            category="Reporting",
            labels={"figure": "risk of bias"},
            caption="../report/risk.rst",
        ),
        expand(
            [
                "results/figures/{name}.pdf",
                "results/figures/{name}.png",
                "results/figures/data/{name}.csv",
                "results/figures/live/{name}.svg",
            ],
            name=REPORTING_FIGURES,
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
        code=CODE,
    shell:
        "synthesis export --config - --models {input.models:q} --diagnostics {input.diagnostics:q} "
        "--sources {input.sources:q} --about {input.about:q} --claims {input.claims:q} --out results "
        "<<< {params.plan:q} > {log:q} 2>&1"


rule crate:
    input:
        files=RESULTS,
        model=MODELS[0],
        about=ABOUT,
    output:
        "results/ro-crate-metadata.json",
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
        code=CODE,
    shell:
        "synthesis crate --config - --model {input.model:q} --files {input.files:q} --about {input.about:q} "
        "--snakemake {params.version:q} --workflow {workflow.basedir:q} --out results <<< {params.plan:q} > {log:q} 2>&1"
