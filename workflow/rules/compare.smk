# in:  results/models/*.json, results/sources/*.json, results/diagnostics/*.json, results/multiverse/*.json, data/raw/claims.csv,
#      data/raw/<source>/source.yaml
# out: results/claims.json, results/tables/{comparison,bridge,relevance,interactions,robustness,claims}.csv,
#      results/tables/{tipping_points,tipping_points_all,certainty,summary_of_findings,without_high_risk,moderator_power}.csv
# config: comparisons, bridges, numbers_needed, relevance, interactions, groupings, certainty,
#         syntheses.*.alternatives

COMPARISON_TABLES = expand(
    "results/tables/{table}.csv",
    table=["comparison", "bridge", "relevance", "interactions", "robustness"],
)
TIPPING_TABLES = expand("results/tables/{table}.csv", table=["tipping_points", "tipping_points_all"])
# What the verdicts hang on stands with the claims.
CHANGES = TIPPING_TABLES[1:] if CLAIMS else []
HIGH_RISK = ["results/tables/without_high_risk.csv"] if CLAIMS else []
CLAIMED_MULTIVERSES = (
    expand("results/multiverse/{multiverse}.json", multiverse=PLAN.config.multiverses) if CLAIMS else []
)
DOUBTED = ["results/tables/doubted_claims.csv"] if CLAIMS and PLAN.config.doubts else []
CERTAINTY_TABLES = expand(
    "results/tables/{table}.csv", table=["certainty", "summary_of_findings", "without_high_risk"]
)
# Syntheses whose moderators may have levels; without any there is nothing to compare.
BY_LEVEL = [name for name, synthesis in PLAN.config.syntheses.items() if synthesis.moderators]
MODERATOR_POWER = ["results/tables/moderator_power.csv"] if BY_LEVEL else []
RESULTS += [
    *COMPARISON_TABLES,
    *MODERATOR_POWER,
    *TIPPING_TABLES,
    *CERTAINTY_TABLES,
    "results/tables/claims.csv",
    "results/claims.json",
]


rule compare:
    input:
        models=MODELS,
        sources=SOURCES,
    output:
        report(
            COMPARISON_TABLES,
            category="Comparison",
            caption="../report/comparison.rst",
        ),
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    # The figures of the comparison wait for it.
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        plan=as_input(PLAN.comparing()),
        code=code_of("compare"),
    shell:
        "synthesis compare --config - --models {params.models:q} --sources {params.sources:q} "
        "--tables results/tables {params.plan} > {log:q} 2>&1"


rule claims:
    input:
        models=MODELS,
        sources=SOURCES,
        claims=CLAIMS,
        changes=CHANGES,
        doubted=DOUBTED,
        risk=HIGH_RISK,
        multiverses=CLAIMED_MULTIVERSES,
    output:
        table=report(
            "results/tables/claims.csv",
            category="Comparison",
            caption="../report/comparison.rst",
        ),
        claims="results/claims.json",
    log:
        "results/logs/claims.log",
    benchmark:
        "results/benchmarks/claims.tsv"
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        plan=as_input(PLAN.comparing()),
        claims=["--claims", *CLAIMS] if CLAIMS else [],
        hanging=[
            *(["--changes", *CHANGES] if CHANGES else []),
            *(["--doubted", *DOUBTED] if DOUBTED else []),
            *(["--low-risk", *HIGH_RISK] if HIGH_RISK else []),
            *(["--multiverses", *as_arguments(CLAIMED_MULTIVERSES)] if CLAIMED_MULTIVERSES else []),
        ],
        read=CLAIMS_READ,
        code=code_of("claims"),
    shell:
        "synthesis claims --config - --models {params.models:q} --sources {params.sources:q} {params.claims:q} "
        "{params.hanging:q} --table {output.table:q} --out {output.claims:q} {params.plan} > {log:q} 2>&1"


rule tipping:
    input:
        models=MODELS,
        sources=SOURCES,
        diagnostics=DIAGNOSTICS,
        claims=CLAIMS,
    output:
        report(
            TIPPING_TABLES,
            category="Comparison",
            caption="../report/tipping.rst",
        ),
    log:
        "results/logs/tipping.log",
    benchmark:
        "results/benchmarks/tipping.tsv"
    priority: 25
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        diagnostics=as_arguments(DIAGNOSTICS),
        plan=as_input(PLAN.comparing()),
        claims=["--claims", *CLAIMS] if CLAIMS else [],
        read=CLAIMS_READ,
        code=code_of("tipping"),
    shell:
        "synthesis tipping --config - --models {params.models:q} --sources {params.sources:q} "
        "--diagnostics {params.diagnostics:q} {params.claims:q} --tables results/tables "
        "{params.plan} > {log:q} 2>&1"


rule certainty:
    input:
        models=MODELS,
        diagnostics=DIAGNOSTICS,
        about=ABOUT,
        relevance="results/tables/relevance.csv",
    output:
        report(
            CERTAINTY_TABLES,
            category="Comparison",
            caption="../report/certainty.rst",
        ),
    log:
        "results/logs/certainty.log",
    benchmark:
        "results/benchmarks/certainty.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        diagnostics=as_arguments(DIAGNOSTICS),
        about=as_arguments(ABOUT),
        plan=as_input(PLAN.certainty()),
        read=ABOUT_READ,
        code=code_of("certainty"),
    shell:
        "synthesis certainty --config - --models {params.models:q} --diagnostics {params.diagnostics:q} "
        "--about {params.about:q} --relevance {input.relevance:q} --tables results/tables {params.plan} > {log:q} 2>&1"


rule moderator_power:
    input:
        models=expand("results/models/{synthesis}.json", synthesis=BY_LEVEL),
        diagnostics=expand("results/diagnostics/{synthesis}.json", synthesis=BY_LEVEL),
        sources=SOURCES,
    output:
        report(
            "results/tables/moderator_power.csv",
            category="Comparison",
            caption="../report/moderator_power.rst",
        ),
    log:
        "results/logs/moderator_power.log",
    benchmark:
        "results/benchmarks/moderator_power.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(expand("results/models/{synthesis}.json", synthesis=BY_LEVEL)),
        diagnostics=as_arguments(expand("results/diagnostics/{synthesis}.json", synthesis=BY_LEVEL)),
        sources=as_arguments(SOURCES),
        plan=as_input(PLAN.smallest_differences()),
        code=code_of("moderator-power"),
    shell:
        "synthesis moderator-power --config - --models {params.models:q} --diagnostics {params.diagnostics:q} "
        "--sources {params.sources:q} --table {output:q} {params.plan} > {log:q} 2>&1"
