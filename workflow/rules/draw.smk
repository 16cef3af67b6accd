# in:  results/models/<synthesis>.json; also results/sources/<source>.json, results/diagnostics/<synthesis>.json,
#      results/tables/{bridge,multiverse_bridge}.csv, results/claims.json, results/multiverse/<multiverse>.json,
#      data/raw/<source>/source.yaml
# out: results/figures/<name>.{svg,pdf,png} (the report embeds the SVG), results/figures/data/<name>.csv and
#      results/figures/pages/<name>/ (the second and further pages as PNG, where there are any), where <name>
#      is forest_<synthesis>, forest_<figure>, <kind>_<synthesis>, bubble_<synthesis>-<moderator>,
#      coefficients_<synthesis>-<regression>, bridge_<bridge>,
#      claims_verdicts, specification_<multiverse>, vibration_<multiverse>, multiverse_bridge_<bridge>, prisma_flow,
#      risk_of_bias, risk_domains_<synthesis> or monitoring_<synthesis>
# config: drawing, figures, bridges, diagnostic_figures, multiverses; of syntheses how they are shown

DRAWN = [
    "prisma_flow",
    "risk_of_bias",
    *expand("risk_domains_{synthesis}", synthesis=JUDGED),
    *expand("monitoring_{synthesis}", synthesis=PLAN.config.monitoring),
    *expand("forest_{name}", name=[*PLAN.config.syntheses, *PLAN.config.figures]),
    *expand("bridge_{bridge}", bridge=PLAN.config.bridges),
    *(["claims_verdicts"] if CLAIMS else []),
    *(figure.name for figure in PLAN.figures_of_diagnostics()),
    *expand("{plot}_{multiverse}", plot=["specification", "vibration"], multiverse=MULTIVERSES),
    *expand("multiverse_bridge_{bridge}", bridge=PLAN.bridged_multiverses()),
]
RESULTS += expand("results/figures/{name}.{kind}", name=DRAWN, kind=["svg", "pdf", "png"])
RESULTS += expand("results/figures/data/{name}.csv", name=DRAWN)
# What nothing matches, where there are none: an empty constraint would be no constraint.
FIGURE = "|".join(PLAN.config.figures) or "(?!)"


rule forest:
    input:
        model="results/models/{synthesis}.json",
        sources=lambda wildcards: sources_of(wildcards.synthesis),
    output:
        report(
            "results/figures/forest_{synthesis}.svg",
            category="Forest plots",
            labels={"figure": "{synthesis}"},
            caption="../report/forest.rst",
        ),
        other_files("forest_{synthesis}"),
        further_pages("forest_{synthesis}"),
    log:
        "results/logs/forest/{synthesis}.log",
    benchmark:
        "results/benchmarks/forest/{synthesis}.tsv"
    wildcard_constraints:
        # A comparison figure has a name of its own among the forest plots, and so has that of processes.
        synthesis=rf"(?!({FIGURE}|process)(?![a-z0-9_])){NAME}",
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.forest(wildcards.synthesis)),
        code=code_of("forest"),
    shell:
        "synthesis forest --config - --model {input.model:q} --sources {input.sources:q} --out results/figures "
        "{params.plan} > {log:q} 2>&1"


rule comparison_forest:
    input:
        models=lambda wildcards: expand(
            "results/models/{synthesis}.json", synthesis=PLAN.blocks_of(wildcards.figure)
        ),
        sources=lambda wildcards: expand(
            "results/sources/{source}.json", source=PLAN.sources_of_figure(wildcards.figure)
        ),
        bridge="results/tables/bridge.csv",
    output:
        report(
            "results/figures/forest_{figure}.svg",
            category="Comparison",
            labels={"figure": "{figure}"},
            caption="../report/comparison_forest.rst",
        ),
        other_files("forest_{figure}"),
        further_pages("forest_{figure}"),
    log:
        "results/logs/comparison_forest/{figure}.log",
    benchmark:
        "results/benchmarks/comparison_forest/{figure}.tsv"
    wildcard_constraints:
        figure=FIGURE,
    priority: 9
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.comparison_forest(wildcards.figure)),
        code=code_of("comparison-forest"),
    shell:
        "synthesis comparison-forest --config - --figure {wildcards.figure:q} "
        "--models {input.models:q} --sources {input.sources:q} --bridge {input.bridge:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"


rule diagnostic_figure:
    input:
        model="results/models/{synthesis}.json",
        diagnostics="results/diagnostics/{synthesis}.json",
        sources=lambda wildcards: sources_of(wildcards.synthesis),
    output:
        report(
            "results/figures/{kind}_{synthesis}.svg",
            category="Diagnostics",
            subcategory="{synthesis}",
            labels={"figure": "{kind}_{synthesis}"},
            caption="../report/diagnostic_figure.rst",
        ),
        other_files("{kind}_{synthesis}"),
        further_pages("{kind}_{synthesis}"),
    log:
        "results/logs/diagnostic_figure/{kind}_{synthesis}.log",
    benchmark:
        "results/benchmarks/diagnostic_figure/{kind}_{synthesis}.tsv"
    wildcard_constraints:
        kind="funnel|orchard|caterpillar|cumulative|leave_one_out|baujat|radial|influence|gosh|adjusted",
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.diagnostic_figure(wildcards.synthesis)),
        code=code_of("diagnostic-figure"),
    shell:
        "synthesis diagnostic-figure --config - --kind {wildcards.kind:q} --model {input.model:q} "
        "--diagnostics {input.diagnostics:q} --sources {input.sources:q} --out results/figures "
        "{params.plan} > {log:q} 2>&1"


# Names hold no hyphen, so that it ends the synthesis and begins the moderator.
rule bubble:
    input:
        model="results/models/{synthesis}.json",
        diagnostics="results/diagnostics/{synthesis}.json",
        sources=lambda wildcards: sources_of(wildcards.synthesis),
    output:
        report(
            "results/figures/bubble_{synthesis}-{moderator}.svg",
            category="Diagnostics",
            subcategory="{synthesis}",
            labels={"figure": "bubble_{synthesis}-{moderator}"},
            caption="../report/bubble.rst",
        ),
        other_files("bubble_{synthesis}-{moderator}"),
        further_pages("bubble_{synthesis}-{moderator}"),
    log:
        "results/logs/bubble/{synthesis}-{moderator}.log",
    benchmark:
        "results/benchmarks/bubble/{synthesis}-{moderator}.tsv"
    wildcard_constraints:
        moderator=NAME,
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.diagnostic_figure(wildcards.synthesis)),
        code=code_of("diagnostic-figure"),
    shell:
        "synthesis diagnostic-figure --config - --kind bubble --moderator {wildcards.moderator:q} "
        "--model {input.model:q} --diagnostics {input.diagnostics:q} --sources {input.sources:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"


rule coefficients:
    input:
        model="results/models/{synthesis}.json",
        diagnostics="results/diagnostics/{synthesis}.json",
    output:
        report(
            "results/figures/coefficients_{synthesis}-{regression}.svg",
            category="Diagnostics",
            subcategory="{synthesis}",
            labels={"figure": "coefficients_{synthesis}-{regression}"},
            caption="../report/coefficients.rst",
        ),
        other_files("coefficients_{synthesis}-{regression}"),
        further_pages("coefficients_{synthesis}-{regression}"),
    log:
        "results/logs/coefficients/{synthesis}-{regression}.log",
    benchmark:
        "results/benchmarks/coefficients/{synthesis}-{regression}.tsv"
    wildcard_constraints:
        regression=NAME,
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.diagnostic_figure(wildcards.synthesis)),
        code=code_of("diagnostic-figure"),
    shell:
        "synthesis diagnostic-figure --config - --kind coefficients --moderator {wildcards.regression:q} "
        "--model {input.model:q} --diagnostics {input.diagnostics:q} --out results/figures "
        "{params.plan} > {log:q} 2>&1"


rule bridge_figure:
    input:
        models=lambda wildcards: expand(
            "results/models/{synthesis}.json", synthesis=PLAN.sides_of_bridge(wildcards.bridge)
        ),
        sources=lambda wildcards: sources_of(*PLAN.sides_of_bridge(wildcards.bridge)),
        table="results/tables/bridge.csv",
    output:
        report(
            "results/figures/bridge_{bridge}.svg",
            category="Comparison",
            labels={"figure": "bridge_{bridge}"},
            caption="../report/bridge.rst",
        ),
        other_files("bridge_{bridge}"),
        further_pages("bridge_{bridge}"),
    log:
        "results/logs/bridge_figure/{bridge}.log",
    benchmark:
        "results/benchmarks/bridge_figure/{bridge}.tsv"
    priority: 8
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.bridge(wildcards.bridge)),
        code=code_of("bridge-figure"),
    shell:
        "synthesis bridge-figure --config - --bridge {wildcards.bridge:q} --models {input.models:q} "
        "--sources {input.sources:q} --table {input.table:q} --out results/figures {params.plan} > {log:q} 2>&1"


rule claims_figure:
    input:
        "results/claims.json",
    output:
        report(
            "results/figures/claims_verdicts.svg",
            category="Comparison",
            labels={"figure": "claims_verdicts"},
            caption="../report/claims.rst",
        ),
        other_files("claims_verdicts"),
        further_pages("claims_verdicts"),
    log:
        "results/logs/claims_figure.log",
    benchmark:
        "results/benchmarks/claims_figure.tsv"
    priority: 9
    conda:
        "../envs/synthesis.yaml"
    params:
        height=PLAN.config.drawing.page_height,
        code=code_of("claims-figure"),
    shell:
        "synthesis claims-figure --claims {input:q} --page-height {params.height:q} --out results/figures > {log:q} 2>&1"


rule multiverse_figure:
    input:
        "results/multiverse/{multiverse}.json",
    output:
        report(
            "results/figures/{plot}_{multiverse}.svg",
            category="Multiverse",
            labels={"figure": "{plot}_{multiverse}"},
            caption="../report/multiverse_figure.rst",
        ),
        other_files("{plot}_{multiverse}"),
    log:
        "results/logs/multiverse_figure/{plot}_{multiverse}.log",
    benchmark:
        "results/benchmarks/multiverse_figure/{plot}_{multiverse}.tsv"
    wildcard_constraints:
        plot="specification|vibration",
    priority: 9
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=as_input(PLAN.drawing()),
        code=code_of("multiverse-figure"),
    shell:
        "synthesis multiverse-figure --config - --kind {wildcards.plot:q} --multiverse {input:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"


rule multiverse_bridge:
    input:
        table="results/tables/multiverse_bridge.csv",
        multiverses=lambda wildcards: [
            f"results/multiverse/{multiverse}.json"
            for multiverse in MULTIVERSES
            if PLAN.synthesis_of(multiverse) in PLAN.sides_of_bridge(wildcards.bridge)
        ],
    output:
        report(
            "results/figures/multiverse_bridge_{bridge}.svg",
            category="Multiverse",
            labels={"figure": "multiverse_bridge_{bridge}"},
            caption="../report/multiverse_bridge.rst",
        ),
        other_files("multiverse_bridge_{bridge}"),
    log:
        "results/logs/multiverse_bridge/{bridge}.log",
    benchmark:
        "results/benchmarks/multiverse_bridge/{bridge}.tsv"
    priority: 9
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=as_input(PLAN.drawing()),
        code=code_of("multiverse-bridge"),
    shell:
        "synthesis multiverse-bridge --config - --bridge {wildcards.bridge:q} --table {input.table:q} "
        "--multiverses {input.multiverses:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"


rule prisma_flow:
    input:
        models=MODELS,
        sources=SOURCES,
        search=SEARCH,
    output:
        report(
            "results/figures/prisma_flow.svg",
            category="Reporting",
            labels={"figure": "flow of evidence"},
            caption="../report/prisma.rst",
        ),
        other_files("prisma_flow"),
    log:
        "results/logs/prisma_flow.log",
    benchmark:
        "results/benchmarks/prisma_flow.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        sources=as_arguments(SOURCES),
        search=["--search", *SEARCH] if SEARCH else [],
        plan=as_input(PLAN.flow()),
        read=SEARCH_READ,
        code=code_of("prisma-flow"),
    shell:
        "synthesis prisma-flow --config - --models {params.models:q} --sources {params.sources:q} "
        "{params.search:q} --out results/figures {params.plan} > {log:q} 2>&1"


rule monitoring_figure:
    input:
        model="results/models/{synthesis}.json",
        looks="results/tables/monitoring.csv",
    output:
        report(
            "results/figures/monitoring_{synthesis}.svg",
            category="Living review",
            labels={"figure": "monitoring_{synthesis}"},
            caption="../report/monitoring.rst",
        ),
        other_files("monitoring_{synthesis}"),
    log:
        "results/logs/monitoring_figure/{synthesis}.log",
    benchmark:
        "results/benchmarks/monitoring_figure/{synthesis}.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.diagnostic_figure(wildcards.synthesis)),
        code=code_of("monitoring-figure"),
    shell:
        "synthesis monitoring-figure --config - --model {input.model:q} --looks {input.looks:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"


rule risk_domains:
    input:
        model="results/models/{synthesis}.json",
        sources=lambda wildcards: sources_of(wildcards.synthesis),
    output:
        report(
            "results/figures/risk_domains_{synthesis}.svg",
            category="Reporting",
            labels={"figure": "risk_domains_{synthesis}"},
            caption="../report/risk_domains.rst",
        ),
        other_files("risk_domains_{synthesis}"),
    log:
        "results/logs/risk_domains/{synthesis}.log",
    benchmark:
        "results/benchmarks/risk_domains/{synthesis}.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        plan=lambda wildcards: as_input(PLAN.titles(wildcards.synthesis)),
        code=code_of("risk-domains"),
    shell:
        "synthesis risk-domains --config - --model {input.model:q} --sources {input.sources:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"


rule risk_of_bias:
    input:
        models=MODELS,
        about=ABOUT,
    output:
        report(
            "results/figures/risk_of_bias.svg",
            category="Reporting",
            labels={"figure": "risk of bias"},
            caption="../report/risk.rst",
        ),
        other_files("risk_of_bias"),
    log:
        "results/logs/risk_of_bias.log",
    benchmark:
        "results/benchmarks/risk_of_bias.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        models=as_arguments(MODELS),
        about=as_arguments(ABOUT),
        plan=as_input(PLAN.titles()),
        read=ABOUT_READ,
        code=code_of("risk-of-bias"),
    shell:
        "synthesis risk-of-bias --config - --models {params.models:q} --about {params.about:q} "
        "--out results/figures {params.plan} > {log:q} 2>&1"
