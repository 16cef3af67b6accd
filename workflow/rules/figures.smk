# in:  results/models/<synthesis>.json; comparison figures also results/effects.parquet and tables/comparison.csv
# out: results/figures/forest_<name>.{svg,pdf,png}, results/figures/data/forest_<name>.csv
# config: syntheses (titles, columns, favours), figures


def figure_inputs(wildcards):
    """Models of a figure; a comparison figure also needs published summaries and bridges."""
    name = wildcards.figure
    files = {
        "models": expand("results/models/{synthesis}.json", synthesis=PLAN.figure_syntheses(name)),
        "effects": expand(
            "results/sources/{source}.effects.parquet", source=PLAN.figure_sources(name)
        ),
        "comparison": [],
    }
    if name in PLAN.config.figures and PLAN.config.figures[name].bridges:
        files["comparison"] = ["results/tables/comparison.csv"]
    return files


rule forest:
    input:
        unpack(figure_inputs),
        config=ancient("results/config.json"),
    output:
        svg=report(
            "results/figures/forest_{figure}.svg",
            category="Forest plots",
            labels={"figure": "{figure}"},
            caption="../report/forest.rst",
        ),
        pdf="results/figures/forest_{figure}.pdf",
        png="results/figures/forest_{figure}.png",
        layout="results/figures/data/forest_{figure}.csv",
    params:
        plan=lambda wildcards: PLAN.figure_params(wildcards.figure),
        comparison=lambda wildcards, input: (
            ["--comparison", *input.comparison] if input.comparison else []
        ),
        code=CODE,
    log:
        "results/logs/forest/{figure}.log",
    benchmark:
        "results/benchmarks/forest/{figure}.tsv"
    conda:
        "../envs/synthesis.yaml"
    shell:
        "synthesis forest --config {input.config:q} --figure {wildcards.figure:q} --models {input.models:q} "
        "--effects {input.effects:q} {params.comparison:q} --layout {output.layout:q} "
        "--svg {output.svg:q} --pdf {output.pdf:q} --png {output.png:q} > {log:q} 2>&1"
