# in:  results/models/<synthesis>.json, results/diagnostics/<synthesis>.json, results/claims.json, data/raw/<source>/source.yaml;
#      the crate: all results
# out: results/r/<synthesis>.{R,csv}, results/model_cards/<synthesis>.json, results/prisma_checklist.csv,
#      results/ro-crate-metadata.json, results/workflow/ (the Snakefile and its rules, as run)
# config: of syntheses what they select and how they are shown; moderators, diagnostics; the crate: all of it

import snakemake as snakemake_package

EXPORTS = [
    *expand("results/r/{synthesis}.{kind}", synthesis=PLAN.config.syntheses, kind=["R", "csv"]),
    *expand("results/model_cards/{synthesis}.json", synthesis=PLAN.config.syntheses),
]
RESULTS += [*EXPORTS, "results/prisma_checklist.csv"]
CRATE = "results/ro-crate-metadata.json"


rule export:
    input:
        model="results/models/{synthesis}.json",
        diagnostics="results/diagnostics/{synthesis}.json",
        about=lambda wildcards: expand(
            "data/raw/{source}/source.yaml", source=PLAN.sources(wildcards.synthesis)
        ),
    output:
        script="results/r/{synthesis}.R",
        data="results/r/{synthesis}.csv",
        card="results/model_cards/{synthesis}.json",
    log:
        "results/logs/export/{synthesis}.log",
    benchmark:
        "results/benchmarks/export/{synthesis}.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.card(wildcards.synthesis)),
        read=lambda wildcards: digest(
            f"data/raw/{source}/source.yaml" for source in PLAN.sources(wildcards.synthesis)
        ),
        code=code_of("export"),
    shell:
        "synthesis export --config - --model {input.model:q} --diagnostics {input.diagnostics:q} "
        "--about {input.about:q} --script {output.script:q} --data {output.data:q} --card {output.card:q} "
        "{params.plan} > {log:q} 2>&1"


rule checklist:
    input:
        models=MODELS,
        claims="results/claims.json",
    output:
        report(
            "results/prisma_checklist.csv",
            category="Reporting",
            labels={"table": "PRISMA 2020 checklist"},
            caption="../report/checklist.rst",
        ),
    log:
        "results/logs/checklist.log",
    benchmark:
        "results/benchmarks/checklist.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        plan=as_input(PLAN.examined()),
        code=code_of("checklist"),
    shell:
        "synthesis checklist --config - --models {params.models:q} --claims {input.claims:q} --out {output:q} "
        "{params.plan} > {log:q} 2>&1"


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
        about=as_arguments(ABOUT),
        files=as_arguments([*(name for name in RESULTS if name != COPIED), *COPIED_FIGURES]),
        plan=as_input(PLAN.whole()),
        read=ABOUT_READ,
        version=snakemake_package.__version__,
        workflow=digest([WORKFLOW / "Snakefile", *sorted((WORKFLOW / "workflow" / "rules").glob("*.smk"))]),
        code=code_of("crate"),
    shell:
        "synthesis crate --config - --model {input.model:q} --files {params.files:q} --about {params.about:q} "
        '--snakemake {params.version:q} --workflow "$WORKFLOW" --out results {params.plan} > {log:q} 2>&1'
