# in:  results/models/<synthesis>.json; comparison figures also results/sources/*.json, tables/comparison.csv
# out: results/figures/forest_<name>.{svg,pdf,png}, results/figures/data/forest_<name>.csv
# config: syntheses (through their models), figures


rule forest:
    input:
        "results/models/{synthesis}.json",
    output:
        svg=report(
            "results/figures/forest_{synthesis}.svg",
            category="Forest plots",
            labels={"figure": "{synthesis}"},
            caption="../report/forest.rst",
        ),
        pdf="results/figures/forest_{synthesis}.pdf",
        png="results/figures/forest_{synthesis}.png",
        layout="results/figures/data/forest_{synthesis}.csv",
    params:
        code=CODE,
    log:
        "results/logs/forest/{synthesis}.log",
    benchmark:
        "results/benchmarks/forest/{synthesis}.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis forest --model {input:q} --layout {output.layout:q} "
        "--svg {output.svg:q} --pdf {output.pdf:q} --png {output.png:q} > {log:q} 2>&1"


rule comparison_forest:
    input:
        models=lambda wildcards: expand(
            "results/models/{synthesis}.json", synthesis=PLAN.blocks_of(wildcards.figure)
        ),
        sources=lambda wildcards: expand(
            "results/sources/{source}.json",
            source=PLAN.sources_of_references(wildcards.figure),
        ),
        comparison="results/tables/comparison.csv",
        config=ancient("results/config.json"),
    output:
        svg=report(
            "results/figures/forest_{figure}.svg",
            category="Comparison",
            labels={"figure": "{figure}"},
            caption="../report/comparison_forest.rst",
        ),
        pdf="results/figures/forest_{figure}.pdf",
        png="results/figures/forest_{figure}.png",
        layout="results/figures/data/forest_{figure}.csv",
    params:
        plan=lambda wildcards: PLAN.section("figures", wildcards.figure),
        code=CODE,
    log:
        "results/logs/forest/{figure}.log",
    benchmark:
        "results/benchmarks/forest/{figure}.tsv"
    conda:
        "../envs/synthesis.yaml"
    # The longest drawings wait for every fit: fits, comparisons and these drawings go before the others.
    priority: 1
    shell:
        "synthesis comparison-forest --config {input.config:q} --figure {wildcards.figure:q} "
        "--models {input.models:q} --sources {input.sources:q} --comparison {input.comparison:q} "
        "--layout {output.layout:q} --svg {output.svg:q} --pdf {output.pdf:q} --png {output.png:q} "
        "> {log:q} 2>&1"
