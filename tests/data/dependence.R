# Writes dependence.json: `Rscript tests/data/dependence.R > tests/data/dependence.json`. Needs metafor, clubSandwich,
# jsonlite. What metafor's vcalc and rma.mv, and clubSandwich's CR2, print for public data sets of metadat.
suppressMessages({
  library(metafor)
  library(clubSandwich)
  library(jsonlite)
})
control <- list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-14)

data_of <- function(dat, columns) as.list(dat[, columns])

fit_of <- function(fit, profile = FALSE) {
  out <- list(
    estimate = c(fit$beta), se = c(fit$se), sigma2 = fit$sigma2, log_likelihood = c(logLik(fit)), q = fit$QE,
    ddf = unname(fit$ddf), ci_low = fit$ci.lb, ci_high = fit$ci.ub
  )
  if (profile) {
    limits <- lapply(seq_along(fit$sigma2), function(i) confint(fit, sigma2 = i, verbose = FALSE)$random[1, ])
    out$sigma2_low <- sapply(limits, `[[`, "ci.lb")
    out$sigma2_high <- sapply(limits, `[[`, "ci.ub")
  }
  out
}

cr2_of <- function(fit, cluster) {
  robust <- conf_int(fit, vcov = vcovCR(fit, type = "CR2", cluster = cluster), test = "Satterthwaite")
  list(
    estimate = robust$beta, se = robust$SE, df = robust$df, ci_low = robust$CI_L, ci_high = robust$CI_U,
    sigma2 = if (is.null(fit$tau2) || !inherits(fit, "rma.mv")) fit$tau2 else fit$sigma2
  )
}

# Correlations by what a pair has in common, and by time --------------------------------------------------------------

assink <- dat.assink2016
ishak <- reshape(
  dat.ishak2007, direction = "long", idvar = "study", v.names = c("yi", "vi"),
  varying = list(c("y1i", "y2i", "y3i", "y4i"), c("v1i", "v2i", "v3i", "v4i"))
)
ishak <- ishak[order(match(ishak$study, dat.ishak2007$study), ishak$time), ]
ishak <- ishak[!is.na(ishak$yi), ]
# Ten measures of each study at up to four times, on two scales: who has which is made up, the effects are those of the set.
both <- assink[assink$study <= 6, ]
both$scale <- ave(both$esid, both$study, FUN = function(i) rep(1:2, length.out = length(i)))
both$week <- ave(both$esid, both$study, FUN = function(i) 4 * ((seq_along(i) - 1) %/% 2))

v_types <- vcalc(vi, cluster = study, type = deltype, obs = esid, rho = c(0.8, 0.4), data = assink)
v_time <- vcalc(vi, cluster = study, time1 = time, phi = 0.97, data = ishak)
v_both <- vcalc(vi, cluster = study, obs = scale, time1 = week, rho = 0.6, phi = 0.95, data = both)
types <- rma.mv(yi, v_types, random = ~ 1 | study / esid, data = assink, control = control)
times <- rma.mv(yi, v_time, random = ~ 1 | study / time, data = ishak, control = control)
twice <- rma.mv(yi, v_both, random = ~ 1 | study / esid, data = both, control = control)
blocks_of <- function(v, cluster) lapply(split(seq_along(cluster), cluster), function(i) as.numeric(v[i, i]))

# Crossed random effects ----------------------------------------------------------------------------------------------

knapp <- dat.knapp2017
knapp$esid <- seq_len(nrow(knapp))
crede <- escalc(measure = "ZCOR", ri = ri, ni = ni, data = dat.crede2010)
crede$study <- crede$studyid
crede$esid <- seq_len(nrow(crede))
schools <- dat.konstantopoulos2011
white <- escalc(measure = "ZCOR", ri = r, ni = n, data = dat.white2020)
white$esid <- seq_len(nrow(white))
crossed <- function(formulas, dat, method = "REML", V = NULL, profile = TRUE) {
  if (is.null(V)) V <- dat$vi
  fit <- rma.mv(dat$yi, V, random = formulas, data = dat, method = method, test = "t", dfs = "contain", control = control)
  fit_of(fit, profile)
}
v_knapp <- vcalc(vi, cluster = study, obs = esid, rho = 0.6, data = knapp)

# Working models side by side -----------------------------------------------------------------------------------------

working <- function(dat, rhos) {
  ce <- function(rho) {
    V <- vcalc(vi, cluster = study, obs = esid, rho = rho, data = dat)
    cr2_of(rma.mv(yi, V, random = ~ 1 | study, data = dat, control = control), dat$study)
  }
  che <- function(rho) {
    V <- vcalc(vi, cluster = study, obs = esid, rho = rho, data = dat)
    cr2_of(rma.mv(yi, V, random = ~ 1 | study / esid, data = dat, control = control), dat$study)
  }
  tight <- list(threshold = 1e-12, maxiter = 1000)
  independent <- rma(yi, vi, data = dat, method = "REML", control = tight)
  agg <- aggregate(escalc(measure = "GEN", yi = yi, vi = vi, data = dat), cluster = study, struct = "CS", rho = 0.6,
                   weighted = FALSE)
  composites <- rma(yi, vi, data = agg, method = "REML", control = tight)
  list(
    independent = cr2_of(independent, dat$study),
    ce = lapply(rhos, ce),
    che = lapply(rhos, che),
    composites = cr2_of(composites, agg$study)
  )
}
rhos <- c(0, 0.3, 0.5, 0.8)
tanner <- dat.tannersmith2016
tanner$study <- tanner$studyid
tanner$esid <- seq_len(nrow(tanner))

cat(toJSON(list(
  made_by = paste0(
    R.version.string, ", metafor ", packageVersion("metafor"), ", metadat ", packageVersion("metadat"),
    ", clubSandwich ", packageVersion("clubSandwich"),
    "; tests/data/dependence.R; rma.mv by BFGS to a relative change of 1e-14"
  ),
  vcalc = list(
    types = list(data = data_of(assink, c("study", "esid", "deltype", "yi", "vi")), V = blocks_of(v_types, assink$study),
                 fit = fit_of(types), cr2 = cr2_of(types, assink$study)),
    time = list(data = data_of(ishak, c("study", "time", "yi", "vi")),
                V = blocks_of(v_time, factor(ishak$study, unique(ishak$study))),
                fit = fit_of(times), cr2 = cr2_of(times, ishak$study)),
    both = list(data = data_of(both, c("study", "esid", "scale", "week", "yi", "vi")), V = blocks_of(v_both, both$study),
                fit = fit_of(twice), cr2 = cr2_of(twice, both$study))
  ),
  crossed = list(
    knapp2017 = list(
      data = data_of(knapp, c("study", "task", "yi", "vi")),
      reml = crossed(list(~ 1 | task, ~ 1 | study / esid), knapp),
      ml = crossed(list(~ 1 | task, ~ 1 | study / esid), knapp, "ML"),
      rho = crossed(list(~ 1 | task, ~ 1 | study / esid), knapp, V = v_knapp, profile = FALSE)
    ),
    konstantopoulos2011 = list(
      data = data_of(schools, c("district", "school", "year", "yi", "vi")),
      reml = crossed(list(~ 1 | year, ~ 1 | district / school), schools),
      ml = crossed(list(~ 1 | year, ~ 1 | district / school), schools, "ML")
    ),
    crede2010 = list(
      data = data_of(crede, c("study", "criterion", "yi", "vi")),
      reml = crossed(list(~ 1 | criterion, ~ 1 | study / esid), crede)
    ),
    white2020 = list(
      data = data_of(white, c("study_id", "class", "col_var", "yi", "vi")),
      reml = crossed(list(~ 1 | class, ~ 1 | col_var, ~ 1 | study_id / esid), white)
    )
  ),
  working = list(
    rhos = rhos,
    assink2016 = list(data = data_of(assink, c("study", "yi", "vi")), models = working(assink, rhos)),
    tannersmith2016 = list(data = data_of(tanner, c("study", "yi", "vi")), models = working(tanner, rhos))
  )
), digits = I(15), auto_unbox = TRUE), "\n")
