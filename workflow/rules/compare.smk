# in:  results/models/*.json, results/sources/*.json, results/diagnostics/*.json, data/raw/claims.csv
# out: results/claims.json, results/tables/{comparison,bridge,relevance,interactions,claims}.csv,
#      results/tables/{tipping_points,tipping_points_all}.csv
# config: comparisons, bridges, monte_carlo, relevance, interactions, groupings, syntheses.*.alternatives

COMPARED = PLAN.part(
    PLAN.config.syntheses,
    PLAN.config.comparisons,
    PLAN.config.bridges,
    also=("groupings", "monte_carlo", "relevance", "interactions"),
)


rule compare:
    input:
        models=MODELS,
        sources=expand("results/sources/{source}.json", source=SOURCES),
        claims=ancient(CLAIMS),
    output:
        report(
            COMPARISON_TABLES,
            category="Comparison",
            caption="../report/comparison.rst",
        ),
        claims="results/claims.json",
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    # The figures of the comparison wait for it.
    priority: 20
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=COMPARED,
        claims=["--claims", *CLAIMS] if CLAIMS else [],
        read=CLAIMS_READ,
        code=CODE,
    shell:
        "synthesis compare --config - --models {input.models:q} --sources {input.sources:q} {params.claims:q} "
        "--tables results/tables --claims-out {output.claims:q} <<< {params.plan:q} > {log:q} 2>&1"


rule tipping:
    input:
        models=MODELS,
        sources=expand("results/sources/{source}.json", source=SOURCES),
        diagnostics=expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses),
        claims=ancient(CLAIMS),
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
    priority: 15
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=COMPARED,
        claims=["--claims", *CLAIMS] if CLAIMS else [],
        read=CLAIMS_READ,
        code=CODE,
    shell:
        "synthesis tipping --config - --models {input.models:q} --sources {input.sources:q} "
        "--diagnostics {input.diagnostics:q} {params.claims:q} --tables results/tables "
        "<<< {params.plan:q} > {log:q} 2>&1"
