# in:  results/sources/<source>.json
# out: results/models/<synthesis>.json, results/crosscheck/<synthesis>.json, results/diagnostics/<synthesis>.json,
#      results/tables/{pooled,crosscheck,influence,cumulative,small_study,moderators,regressions,
#      few_samples,adjusted_estimates,psychometric}.csv; working_models.csv where the plan asks for it
# config: syntheses, defaults, diagnostics, groupings, psychometric

MODELS = expand("results/models/{synthesis}.json", synthesis=PLAN.config.syntheses)
CHECKS = expand("results/crosscheck/{synthesis}.json", synthesis=PLAN.config.syntheses)
DIAGNOSTICS = expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses)
DIAGNOSTIC_TABLES = expand(
    "results/tables/{table}.csv",
    table=[
        "influence",
        "cumulative",
        "small_study",
        "moderators",
        "regressions",
        "few_samples",
        "adjusted_estimates",
        *(["working_models"] if any(s.working_models for s in PLAN.config.syntheses.values()) else []),
    ],
)
# Where correlations are corrected for unreliability; else there is no such table.
CORRECTED = PLAN.corrected_syntheses()
PSYCHOMETRIC = ["results/tables/psychometric.csv"] if CORRECTED else []
RESULTS += [
    *PSYCHOMETRIC,
    *MODELS,
    *CHECKS,
    *DIAGNOSTICS,
    *DIAGNOSTIC_TABLES,
    "results/tables/pooled.csv",
    "results/tables/crosscheck.csv",
]


# Both are written only where the second route agrees: nothing is drawn of a fit that has none.
rule fit:
    input:
        lambda wildcards: sources_of(wildcards.synthesis),
    output:
        model="results/models/{synthesis}.json",
        check="results/crosscheck/{synthesis}.json",
    log:
        "results/logs/fit/{synthesis}.log",
    benchmark:
        "results/benchmarks/fit/{synthesis}.tsv"
    priority: 30
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.fit(wildcards.synthesis)),
        code=code_of("fit"),
    shell:
        "synthesis fit --config - --synthesis {wildcards.synthesis:q} --sources {input:q} --out {output.model:q} "
        "--check {output.check:q} {params.plan} > {log:q} 2>&1"


rule crosscheck:
    input:
        models=MODELS,
        checks=CHECKS,
    output:
        "results/tables/crosscheck.csv",
    log:
        "results/logs/crosscheck.log",
    benchmark:
        "results/benchmarks/crosscheck.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        checks=as_arguments(CHECKS),
        code=code_of("crosscheck"),
    shell:
        "synthesis crosscheck --models {params.models:q} --checks {params.checks:q} --table {output:q} > {log:q} 2>&1"


rule pooled:
    input:
        models=MODELS,
        # What has no second route to it is not shown.
        checked="results/tables/crosscheck.csv",
    output:
        report(
            "results/tables/pooled.csv",
            category="Tables",
            labels={"table": "pooled estimates"},
            caption="../report/pooled.rst",
        ),
    log:
        "results/logs/pooled.log",
    benchmark:
        "results/benchmarks/pooled.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        plan=as_input(PLAN.titles()),
        code=code_of("pooled"),
    shell:
        "synthesis pooled --config - --models {params.models:q} --table {output:q} {params.plan} > {log:q} 2>&1"


rule diagnose:
    input:
        model="results/models/{synthesis}.json",
        sources=lambda wildcards: sources_of(wildcards.synthesis),
    output:
        "results/diagnostics/{synthesis}.json",
    log:
        "results/logs/diagnose/{synthesis}.log",
    benchmark:
        "results/benchmarks/diagnose/{synthesis}.tsv"
    # Tipping points, the longest job, wait for it.
    priority: 28
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.diagnosis(wildcards.synthesis)),
        code=code_of("diagnose"),
    shell:
        "synthesis diagnose --config - --model {input.model:q} --sources {input.sources:q} --out {output:q} "
        "{params.plan} > {log:q} 2>&1"


rule diagnostics:
    input:
        DIAGNOSTICS,
    output:
        report(
            DIAGNOSTIC_TABLES,
            category="Diagnostics",
            caption="../report/diagnostics.rst",
        ),
    log:
        "results/logs/diagnostics.log",
    benchmark:
        "results/benchmarks/diagnostics.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        diagnostics=as_arguments(DIAGNOSTICS),
        code=code_of("diagnostics"),
    shell:
        "synthesis diagnostics --diagnostics {params.diagnostics:q} --tables results/tables > {log:q} 2>&1"


rule psychometric:
    input:
        models=expand("results/models/{synthesis}.json", synthesis=CORRECTED),
        sources=sources_of(*CORRECTED),
    output:
        report(
            "results/tables/psychometric.csv",
            category="Tables",
            labels={"table": "correlations corrected for unreliability"},
            caption="../report/psychometric.rst",
        ),
    log:
        "results/logs/psychometric.log",
    benchmark:
        "results/benchmarks/psychometric.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(expand("results/models/{synthesis}.json", synthesis=CORRECTED)),
        sources=as_arguments(sources_of(*CORRECTED)),
        plan=as_input(PLAN.attenuation()),
        code=code_of("psychometric"),
    shell:
        "synthesis psychometric --config - --models {params.models:q} --sources {params.sources:q} "
        "--table {output:q} {params.plan} > {log:q} 2>&1"
