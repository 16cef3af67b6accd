# in:  results/models/<synthesis>.json; comparison figures also results/sources/*.json, results/tables/comparison.csv;
#      diagnostic figures also results/diagnostics/<synthesis>.json
# out: results/figures/forest_<name>.{svg,pdf,png}, results/figures/data/forest_<name>.csv;
#      the same of <kind>_<synthesis> and bubble_<synthesis>_<moderator>
# config: syntheses (through their models; moderators), figures, diagnostic_figures

# One job per set of sources, as for the fits.
for batch, names in PLAN.batches().items():

    rule:
        name:
            f"forest_{batch}"
        input:
            expand("results/models/{synthesis}.json", synthesis=names),
        output:
            [
                report(
                    f"results/figures/forest_{name}.svg",
                    category="Forest plots",
                    labels={"figure": name},
                    caption="../report/forest.rst",
                )
                for name in names
            ],
            expand("results/figures/forest_{name}.{kind}", name=names, kind=["pdf", "png"]),
            expand("results/figures/data/forest_{name}.csv", name=names),
        log:
            f"results/logs/forest_{batch}.log",
        benchmark:
            f"results/benchmarks/forest_{batch}.tsv"
        # The longest job starts first.
        priority: len(names)
        conda:
            "../envs/synthesis.yaml"
        params:
            code=CODE,
        shell:
            "synthesis forest --models {input:q} --out results/figures > {log:q} 2>&1"


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
    output:
        svg=report(
            "results/figures/forest_{figure}.svg",
            category="Comparison",
            labels={"figure": "{figure}"},
            caption="../report/comparison_forest.rst",
        ),
        pdf="results/figures/forest_{figure}.pdf",
        png="results/figures/forest_{figure}.png",
        data="results/figures/data/forest_{figure}.csv",
    log:
        "results/logs/forest_{figure}.log",
    benchmark:
        "results/benchmarks/forest_{figure}.tsv"
    priority: 9
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: PLAN.part(figures=[wildcards.figure]),
        code=CODE,
    shell:
        "synthesis comparison-forest --config - --figure {wildcards.figure:q} "
        "--models {input.models:q} --sources {input.sources:q} --comparison {input.comparison:q} "
        "--out results/figures <<< {params.plan:q} > {log:q} 2>&1"


# Again one job per set of sources, of those that have such figures.
for batch, names in PLAN.batches().items():
    named = [name for name in names if BESIDE.get(name)]
    if not named:
        continue

    rule:
        name:
            f"diagnostic_figures_{batch}"
        input:
            models=expand("results/models/{synthesis}.json", synthesis=named),
            diagnostics=expand("results/diagnostics/{synthesis}.json", synthesis=named),
        output:
            [
                report(
                    f"results/figures/{figure}.svg",
                    category="Diagnostics",
                    subcategory=name,
                    labels={"figure": figure},
                    caption=f"../report/{kind}.rst",
                )
                for name in named
                for kind, figure in BESIDE[name]
            ],
            expand(
                "results/figures/{figure}.{kind}",
                figure=[figure for name in named for _, figure in BESIDE[name]],
                kind=["pdf", "png"],
            ),
            expand(
                "results/figures/data/{figure}.csv",
                figure=[figure for name in named for _, figure in BESIDE[name]],
            ),
        log:
            f"results/logs/diagnostic_figures_{batch}.log",
        benchmark:
            f"results/benchmarks/diagnostic_figures_{batch}.tsv"
        priority: len(named)
        conda:
            "../envs/synthesis.yaml"
        params:
            plan=PLAN.part(syntheses=named, diagnostic_figures=True),
            code=CODE,
        shell:
            "synthesis diagnostic-figures --config - --models {input.models:q} "
            "--diagnostics {input.diagnostics:q} --out results/figures <<< {params.plan:q} > {log:q} 2>&1"
