# in:  results/models/<synthesis>.json and results/crosscheck/<synthesis>.json; comparison figures also
#      results/sources/*.json, results/tables/bridge.csv and results/claims.json; diagnostic figures also
#      results/diagnostics/<synthesis>.json
# out: results/figures/{forest,bridge,claims}_<name>.{svg,pdf,png}, the same of <kind>_<synthesis> and
#      bubble_<synthesis>_<moderator>, results/figures/data/*.csv, results/figures/live/*.svg (what the report embeds)
# config: syntheses (through their models; moderators), figures, bridges, diagnostic_figures

# One job per set of sources, as for the fits.
for batch, names in PLAN.batches().items():

    rule:
        name:
            f"forest_{batch}"
        input:
            models=expand("results/models/{synthesis}.json", synthesis=names),
            checks=expand("results/crosscheck/{synthesis}.json", synthesis=names),
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
            expand("results/figures/live/forest_{name}.svg", name=names),
        log:
            f"results/logs/forest_{batch}.log",
        benchmark:
            f"results/benchmarks/forest_{batch}.tsv"
        # The longest job starts first.
        priority: len(names)
        group:
            "figures"
        conda:
            "../envs/synthesis.yaml"
        params:
            plan=PLAN.part(syntheses=names, also=("drawing",)),
            code=CODE,
        shell:
            "synthesis forest --config - --models {input.models:q} --out results/figures <<< {params.plan:q} > {log:q} 2>&1"


rule comparison_forest:
    input:
        models=lambda wildcards: expand(
            "results/models/{synthesis}.json", synthesis=PLAN.blocks_of(wildcards.figure)
        ),
        checks=lambda wildcards: expand(
            "results/crosscheck/{synthesis}.json", synthesis=PLAN.blocks_of(wildcards.figure)
        ),
        sources=lambda wildcards: expand(
            "results/sources/{source}.json",
            source=PLAN.sources_of_references(wildcards.figure),
        ),
        bridge="results/tables/bridge.csv",
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
        live="results/figures/live/forest_{figure}.svg",
    log:
        "results/logs/forest_{figure}.log",
    benchmark:
        "results/benchmarks/forest_{figure}.tsv"
    priority: 9
    group:
        "figures"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: PLAN.part(figures=[wildcards.figure], also=("drawing",)),
        code=CODE,
    shell:
        "synthesis comparison-forest --config - --figure {wildcards.figure:q} "
        "--models {input.models:q} --sources {input.sources:q} --bridge {input.bridge:q} "
        "--out results/figures <<< {params.plan:q} > {log:q} 2>&1"


if COMPARISON_FIGURES:

    # Claims are drawn without any bridge, too; a part of a plan has at least one synthesis.
    DRAWN = PLAN.sides_of_bridges() or list(PLAN.config.syntheses)[:1]

    rule comparison_figures:
        input:
            models=expand("results/models/{synthesis}.json", synthesis=DRAWN),
            checks=CHECKS,
            bridge="results/tables/bridge.csv",
            claims="results/claims.json",
        output:
            [
                report(
                    f"results/figures/{name}.svg",
                    category="Comparison",
                    labels={"figure": name},
                    caption=f"../report/{name.split('_')[0]}.rst",
                )
                for name in COMPARISON_FIGURES
            ],
            expand("results/figures/{name}.{kind}", name=COMPARISON_FIGURES, kind=["pdf", "png"]),
            expand("results/figures/data/{name}.csv", name=COMPARISON_FIGURES),
            expand("results/figures/live/{name}.svg", name=COMPARISON_FIGURES),
        log:
            "results/logs/comparison_figures.log",
        benchmark:
            "results/benchmarks/comparison_figures.tsv"
        priority: 8
        group:
            "figures"
        conda:
            "../envs/synthesis.yaml"
        params:
            plan=PLAN.part(syntheses=DRAWN, bridges=PLAN.config.bridges, also=("drawing",)),
            code=CODE,
        shell:
            "synthesis comparison-figures --config - --models {input.models:q} --bridge {input.bridge:q} "
            "--claims {input.claims:q} --out results/figures <<< {params.plan:q} > {log:q} 2>&1"


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
            checks=expand("results/crosscheck/{synthesis}.json", synthesis=named),
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
                ["results/figures/data/{figure}.csv", "results/figures/live/{figure}.svg"],
                figure=[figure for name in named for _, figure in BESIDE[name]],
            ),
        log:
            f"results/logs/diagnostic_figures_{batch}.log",
        benchmark:
            f"results/benchmarks/diagnostic_figures_{batch}.tsv"
        priority: len(named)
        group:
            "figures"
        conda:
            "../envs/synthesis.yaml"
        params:
            plan=PLAN.part(syntheses=named, also=("groupings", "drawing"), beside=True),
            code=CODE,
        shell:
            "synthesis diagnostic-figures --config - --models {input.models:q} "
            "--diagnostics {input.diagnostics:q} --out results/figures <<< {params.plan:q} > {log:q} 2>&1"
